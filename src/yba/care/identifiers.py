"""Numbers that name people, cards, prescriptions and visits: their systems, checks and makers.

A check is pure. It answers a normalised value, with doubts as ``warnings``, or a ``Refusal``.
Sources: Law on Identification 2023 with NĐ 70/2024 (citizen number), QĐ 1351/QĐ-BHXH (2015) and later lists
(insurance
card), TT 26/2025/TT-BYT with QĐ 808/QĐ-BYT (prescription code), national numbering plan (phone).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from django.utils.translation import gettext_lazy as _

from yba.care.card_codes import CARD_PROVINCES, OBJECT_CODES, RIGHTS_OF
from yba.care.refusal import Refusal, refuse
from yba.fhir.condition import FACILITY_TAG as FACILITY_TAG

BASE: Final = "https://yba.vn/fhir/sid/"
CCCD: Final = BASE + "cccd"
#: A citizen number somebody typed and nobody compared with a card yet. A system of its own beside ``use: temp``:
#: FHIR R4 searches by system and value whatever the use, so what looks for a citizen number finds no claimed one.
CCCD_CLAIMED: Final = BASE + "cccd-tu-khai"
CMND: Final = BASE + "cmnd"
BHYT: Final = BASE + "bhyt"
FACILITY: Final = BASE + "facility"
PRACTITIONER_LICENCE: Final = BASE + "practitioner-licence"
REGISTRATION_CODE: Final = BASE + "registration-code"
TICKET: Final = BASE + "ticket"
PRESCRIPTION: Final = BASE + "prescription"
RECEIPT: Final = BASE + "receipt"
INVOICE: Final = BASE + "invoice"
SERVICE: Final = BASE + "service"

CHANNEL_TAG: Final = "https://yba.vn/fhir/cs/channel"
SPECIALTY_CS: Final = "https://yba.vn/fhir/cs/specialty"
DRUG_CS: Final = "https://yba.vn/fhir/cs/drug"
SERVICE_CS: Final = "https://yba.vn/fhir/cs/service"
ALLERGEN_CS: Final = "https://yba.vn/fhir/cs/allergen"
INGREDIENT_CS: Final = "https://yba.vn/fhir/cs/ingredient"
VACCINE_CS: Final = "https://yba.vn/fhir/cs/vaccine"
ICD10: Final = "http://hl7.org/fhir/sid/icd-10"
LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
ATC: Final = "http://www.whocc.no/atc"

Gender = Literal["male", "female", "other", "unknown"]


@dataclass(frozen=True, slots=True)
class Checked:
    """A value in its normal form; ``warnings`` are doubts a person may overrule."""

    value: str
    warnings: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class InsuranceCard:
    """A health-insurance card number taken apart.

    ``number`` is the 15 characters, or the 10 digits when only the social-insurance number is known: cards
    printed
    since 2021 show no more, and the insurance portal answers with the full code. Then the other parts are
    empty.
    """

    number: str
    object_code: str
    rights: str
    province: str
    social_number: str
    warnings: tuple[Refusal, ...] = ()

    @property
    def is_short(self) -> bool:
        return len(self.number) == 10

    @property
    def display(self) -> str:
        """As printed on the card: "GD 4 46 4619001234"."""
        if self.is_short:
            return self.number
        return f"{self.object_code} {self.rights} {self.province} {self.social_number}"


def _compact(text: str) -> str:
    return re.sub(r"[\s.\-\u00a0]", "", text)


# The 12-digit personal number


def check_citizen_number(
    text: str, *, gender: str | None = None, birth_date: str | None = None
) -> Checked | Refusal:
    """Twelve digits. Province, sex and birth year inside the number are soft checks: old errors live on in
    cards.

    ``birth_date`` is a FHIR date of any precision. Digits 1-3: place of birth registration (100 and above: a
    country); digit 4: century and sex (0 male 19xx, 1 female 19xx, 2 male 20xx, ...); digits 5-6: year of
    birth.
    """
    number = _compact(text)
    if not number:
        return refuse("citizen.empty", _("Chưa nhập số căn cước. Hãy nhập đủ 12 chữ số in trên thẻ."))
    if not re.fullmatch(r"[0-9]+", number):
        return refuse("citizen.characters", _("Số căn cước chỉ gồm chữ số. Hãy kiểm tra lại số vừa nhập."))
    if len(number) != 12:
        return refuse(
            "citizen.length",
            _("Số căn cước phải có 12 chữ số, số vừa nhập có %(count)s. Hãy đối chiếu với thẻ."),
            count=len(number),
        )
    return Checked(number, tuple(_citizen_doubts(number, gender, birth_date)))


def _citizen_doubts(number: str, gender: str | None, birth_date: str | None) -> list[Refusal]:
    doubts = []
    place, century_sex, year = int(number[:3]), int(number[3]), int(number[4:6])
    if place < 100 and number[1:3] not in CARD_PROVINCES:
        doubts.append(
            refuse(
                "citizen.province",
                _("Ba số đầu %(code)s không phải mã nơi khai sinh nào. Hãy đối chiếu với thẻ."),
                code=number[:3],
            )
        )
    sex = "female" if century_sex % 2 else "male"
    if gender in ("male", "female") and gender != sex:
        doubts.append(
            refuse("citizen.sex", _("Số căn cước này là của người giới tính khác với giới tính đã khai."))
        )
    full_year = 1900 + (century_sex // 2) * 100 + year
    if birth_date and birth_date[:4] != str(full_year):
        doubts.append(
            refuse(
                "citizen.year",
                _("Theo số căn cước, năm sinh là %(year)s, khác với ngày sinh đã khai."),
                year=str(full_year),
            )
        )
    return doubts


# Health insurance


def check_insurance_card(text: str) -> InsuranceCard | Refusal:
    """The 15-character code, or the 10-digit social-insurance number printed on newer cards."""
    number = _compact(text).upper()
    if re.fullmatch(r"[0-9]{10}", number):
        return InsuranceCard(number, "", "", "", number)
    if len(number) != 15:
        return refuse(
            "insurance.length",
            _(
                "Mã thẻ bảo hiểm y tế có 15 ký tự (hoặc 10 chữ số mã số BHXH), mã vừa nhập có %(count)s. "
                "Hãy đối chiếu với thẻ."
            ),
            count=len(number),
        )
    group, rights, province, social = number[:2], number[2], number[3:5], number[5:]
    if group not in OBJECT_CODES:
        return refuse(
            "insurance.group",
            _(
                "Hai chữ đầu “%(code)s” không phải mã đối tượng tham gia bảo hiểm y tế. Hãy đối chiếu "
                "với thẻ."
            ),
            code=group,
        )
    if rights not in "12345":
        return refuse(
            "insurance.rights",
            _("Ký tự thứ ba “%(code)s” là mã mức hưởng, phải từ 1 đến 5. Hãy đối chiếu với thẻ."),
            code=rights,
        )
    if province not in CARD_PROVINCES:
        return refuse(
            "insurance.province",
            _(
                "Mã tỉnh “%(code)s” (ký tự thứ 4 và 5) không có trong danh mục mã tỉnh của BHXH. Hãy đối "
                "chiếu với thẻ."
            ),
            code=province,
        )
    if not re.fullmatch(r"[0-9]{10}", social):
        return refuse(
            "insurance.social", _("Mười ký tự cuối của mã thẻ phải là chữ số. Hãy đối chiếu với thẻ.")
        )
    return InsuranceCard(number, group, rights, province, social, _rights_doubts(group, rights))


def _rights_doubts(group: str, rights: str) -> tuple[Refusal, ...]:
    if rights in RIGHTS_OF[group]:
        return ()
    return (
        refuse(
            "insurance.rights-of-group",
            _(
                "Đối tượng %(group)s thường có mức hưởng %(usual)s, thẻ này ghi %(rights)s. Hãy tra cứu "
                "trên cổng BHXH."
            ),
            group=group,
            usual=RIGHTS_OF[group][0],
            rights=rights,
        ),
    )


def check_insurance_period(start: date | None, end: date | None, *, on: date) -> Refusal | None:
    """Whether a card is valid on a day; both bounds inclusive, a missing bound is open."""
    if start and end and end < start:
        return refuse(
            "insurance.period-order", _("Ngày hết hạn thẻ sớm hơn ngày bắt đầu. Hãy đối chiếu với thẻ.")
        )
    if start and on < start:
        return refuse(
            "insurance.not-yet",
            _("Thẻ bảo hiểm y tế chỉ có giá trị từ ngày %(day)s."),
            day=f"{start:%d/%m/%Y}",
        )
    if end and on > end:
        return refuse(
            "insurance.expired",
            _("Thẻ bảo hiểm y tế đã hết hạn từ ngày %(day)s. Hãy gia hạn hoặc khám theo giá dịch vụ."),
            day=f"{end:%d/%m/%Y}",
        )
    return None


# Telephone

_MOBILE: Final = re.compile(r"0(3[2-9]|5[25689]|7[06-9]|8[1-9]|9[0-9])[0-9]{7}")
_LANDLINE: Final = re.compile(r"02[0-9]{9}")


def check_phone(text: str, *, mobile_only: bool = False) -> Checked | Refusal:
    """A Vietnamese number in its national form "0905123456"; +84 and separators are understood."""
    number = re.sub(r"[\s.\-()\u00a0]", "", text)
    if number.startswith("+84"):
        number = "0" + number[3:].removeprefix("0")
    elif number.startswith("84") and len(number) == 11:
        number = "0" + number[2:]
    if _MOBILE.fullmatch(number) or (not mobile_only and _LANDLINE.fullmatch(number)):
        return Checked(number)
    if not re.fullmatch(r"[0-9]+", number or "x"):
        return refuse("phone.characters", _("Số điện thoại chỉ gồm chữ số, ví dụ 0905 123 456."))
    return refuse(
        "phone.form",
        _("Số điện thoại di động gồm 10 chữ số và bắt đầu bằng 03, 05, 07, 08 hoặc 09, ví dụ 0905 123 456."),
    )


# Prescription code, TT 26/2025: 5 of the facility, 7 random, a dash and the kind

PrescriptionKind = Literal["N", "H", "C"]
_PRESCRIPTION: Final = re.compile(r"[0-9a-z]{5}[0-9a-z]{7}-[NHC]")
_BASE36: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
Choose = Callable[[Sequence[str]], str]


def new_prescription_code(
    facility: str, kind: PrescriptionKind = "C", *, choose: Choose = secrets.choice
) -> str:
    """A code of 14 characters, "46017a3k9x2q-C". N: narcotics, H: psychotropics and precursors, C: all else.

    The seven middle characters come from the system's secure source, as the circular asks; the caller keeps
    them
    unique in the facility by writing under a unique identifier and drawing again on conflict.
    """
    if not re.fullmatch(r"[0-9A-Za-z]{5}", facility):
        raise ValueError("a facility code has 5 letters or digits")
    return facility.lower() + "".join(choose(_BASE36) for _each in range(7)) + "-" + kind


def check_prescription_code(text: str) -> Checked | Refusal:
    """The code in its normal form; capitals and spaces typed at a counter are forgiven."""
    code = "".join(text.split())
    code = code[:-1].lower() + code[-1:].upper()
    if _PRESCRIPTION.fullmatch(code):
        return Checked(code)
    return refuse(
        "prescription.form",
        _("Mã đơn thuốc gồm 14 ký tự, kết thúc bằng -N, -H hoặc -C, ví dụ 46017a3k9x2q-C. Hãy kiểm tra lại."),
    )


# Registration code: said over the phone, typed at the desk

REGISTRATION_ALPHABET: Final = "23456789BCDFGHJKMNPQRTVWXZ"


def new_registration_code(length: int = 5, *, choose: Choose = secrets.choice) -> str:
    """Five or six characters, "K7M2X": no vowels (no words) and none of 0 O 1 I L S. Holds no meaning.

    The caller keeps it unique among open appointments (``if_none_exist`` on the identifier, else draw again).
    """
    return "".join(choose(REGISTRATION_ALPHABET) for _each in range(length))


def check_registration_code(text: str) -> Checked | Refusal:
    """The code in capitals without separators."""
    code = _compact(text).upper()
    if not 5 <= len(code) <= 6:
        return refuse(
            "registration.length",
            _("Mã đăng ký có 5 hoặc 6 ký tự, ví dụ K7M2X; mã vừa nhập có %(count)s."),
            count=len(code),
        )
    strange = next((letter for letter in code if letter not in REGISTRATION_ALPHABET), None)
    if strange:
        return refuse(
            "registration.characters",
            _("Mã đăng ký không có ký tự “%(letter)s”. Hãy đọc lại mã trong tin nhắn."),
            letter=strange,
        )
    return Checked(code)
