"""Three hundred invented citizens in families: names fit sex and age, numbers fit birth and sex."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final, Literal

from yba.care import identifiers, places
from yba.care.demo.building import HL7, VIETNAM, age_on, concept, full_name, identifier, phone, ref
from yba.fhir.access.consent import sharing
from yba.fhir.access.standing import RELATED_PATIENT
from yba.fhir.r4.coverage import Coverage
from yba.fhir.r4.datatypes import (
    Address,
    CodeableConcept,
    Extension,
    HumanName,
    Identifier,
    Period,
    Reference,
    Resource,
)
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.related_person import RelatedPerson

PEOPLE: Final = 300
HEROINE: Final = "nb-hanh"
HUSBAND: Final = "nb-hung"
GRANDDAUGHTER: Final = "nb-bena"
HOSPITAL: Final = "bvdk-huong-giang"
HEROINE_PHONE: Final = "0905123456"
HEROINE_CARD: Final = "HT3464619580314"

_FAMILIES: Final = (
    ["Nguyễn"] * 30 + ["Trần"] * 12 + ["Lê"] * 12 + ["Phạm"] * 6 + ["Hoàng"] * 7 + ["Phan"] * 6 + ["Võ"] * 5
    + ["Đặng"] * 4 + ["Bùi"] * 3 + ["Hồ"] * 5 + ["Ngô"] * 3 + ["Dương"] * 3 + ["Trương"] * 4 + ["Đoàn"] * 2
    + ["Cao"] * 2 + ["Châu", "Mai", "Tôn Thất", "Huỳnh"]
)  # fmt: skip
_OLD_MEN: Final = (
    "Văn Hùng,Văn Thành,Văn Sáu,Đình Phước,Văn Lợi,Hữu Đức,Văn Minh,Công Danh,Văn Bảy,Xuân Hòa,"
    "Quang Vinh,Văn Thọ,Ngọc Châu,Văn Dũng,Đức Lợi,Bá Lộc"
)
_MEN: Final = (
    "Quốc Huy,Minh Tuấn,Anh Tuấn,Đức Anh,Văn Nam,Hoàng Long,Quang Huy,Thanh Tùng,Minh Đức,"
    "Ngọc Sơn,Hữu Nghĩa,Trung Kiên,Việt Hùng,Thanh Bình,Đăng Khoa,Tuấn Kiệt,Phước Thịnh,Nhật Minh"
)
_BOYS: Final = (
    "Gia Bảo,Minh Khang,Bảo Long,Gia Huy,Phúc Nguyên,Minh Quân,Hoàng Phúc,Khôi Nguyên,Đức Minh,"
    "Thiên Ân,Nhật Nam,Gia Hưng,Hải Đăng,Tuấn Khang"
)
_OLD_WOMEN: Final = (
    "Thị Lan,Thị Bé,Thị Hoa,Thị Gái,Thị Sen,Thị Tâm,Thị Lý,Thị Xuân,Thị Thu,Thị Mười,Thị Cúc,"
    "Thị Huệ,Thị Bưởi,Thị Liên,Thị Nở,Thị Thảo"
)
_WOMEN: Final = (
    "Thị Thu Hà,Thị Hồng Nhung,Thị Thanh Thủy,Thị Ngọc Anh,Thị Phương Thảo,Thị Kim Oanh,"
    "Thị Bích Hằng,Thị Mỹ Dung,Thị Minh Nguyệt,Thị Hương Giang,Thị Quỳnh Như,Thùy Trang,"
    "Thị Diễm My,Khánh Linh,Thị Hồng Vân,Thị Tuyết Mai"
)
_GIRLS: Final = (
    "Bảo Ngọc,Gia Hân,Khánh An,Minh Anh,Ngọc Diệp,Bảo Châu,Thanh Trúc,An Nhiên,Phương Linh,Hà My,"
    "Tuệ Lâm,Quỳnh Anh,Kim Ngân,Thảo Nguyên"
)
_STREETS: Final = "Bến Ngự,Lò Rèn,Cây Bàng,Sông Như Ý,Hàng Cau,Vườn Trầu,Cầu Đá,Xóm Chùa,Đồi Thông,Chợ Mới"
# Province of birth registration: mostly here, some from around.
_BORN_IN: Final = ["046"] * 20 + ["045", "048", "049", "044", "040", "001", "079"]
_PREFIXES: Final = ("090", "091", "093", "094", "096", "097", "098", "099")

Sex = Literal["male", "female"]


@dataclass(slots=True)
class Person:
    """An invented person; ``guardian`` is the id of the adult who answers for a child."""

    id: str
    name: str
    sex: Sex
    birth: date
    cccd: str
    phone: str
    commune: places.Commune
    street: str
    insurance: str = ""
    insured_from: date = date.min
    insured_to: date = date.min
    guardian: str = ""
    guardian_role: str = ""
    expecting: bool = False
    spouse: str = ""
    nickname: str = ""

    def age(self, day: date) -> int:
        return age_on(self.birth, day)


def population(random: Random, today: date) -> list[Person]:
    """The heroine's family, then families until there are ``PEOPLE``."""
    people = list(_heroines_family(today))
    taken = {person.cccd for person in people} | {person.phone for person in people}
    while len(people) < PEOPLE:
        family = list(_family(random, today, taken, len(people) + 1))
        # The last family may be too large; single people fill the rest.
        if len(people) + len(family) <= PEOPLE:
            people += family
    for person in people:
        if not person.insurance:
            _insure(random, today, person)
    return people


def _commune(name: str) -> places.Commune:
    return next(c for c in places.communes("46") if c.name == name)


def _heroines_family(today: date) -> Iterator[Person]:
    home, street = _commune("Phường Thuận Hóa"), "Số 15 đường Bến Ngự, tổ 4"
    child_birth = (
        date(today.year - 4, 9, 2) if (today.month, today.day) >= (9, 2) else date(today.year - 5, 9, 2)
    )
    hanh = Person(
        HEROINE, "Nguyễn Thị Hạnh", "female", date(1958, 3, 14), "046158001234", HEROINE_PHONE, home, street
    )
    hanh.insurance, hanh.spouse = HEROINE_CARD, HUSBAND
    hung = Person(
        HUSBAND, "Lê Văn Hùng", "male", date(1955, 8, 20), "046055004321", "0905123457", home, street
    )
    hung.insurance, hung.spouse = "HT3464619550820", HEROINE
    son = Person(
        "nb-duc", "Lê Minh Đức", "male", date(1985, 5, 6), "046085002468", "0914555001", home, street
    )
    son.insurance, son.spouse = "DN4464619850506", "nb-mai"
    wife = Person(
        "nb-mai",
        "Trần Thị Thanh Mai",
        "female",
        date(1988, 11, 25),
        "046188001357",
        "0914555002",
        home,
        street,
    )
    wife.insurance, wife.spouse = "DN4464619881125", "nb-duc"
    century = 2 if child_birth.year < 2100 else 4
    na = Person(
        GRANDDAUGHTER,
        "Lê Ngọc Bảo Na",
        "female",
        child_birth,
        f"046{century + 1}{child_birth:%y}009876",
        "",
        home,
        street,
    )
    na.guardian, na.guardian_role, na.nickname = "nb-mai", "me", "Bé Na"
    na.insurance = "TE1464620220902"
    for person in (hanh, hung, son, wife, na):
        person.insured_from, person.insured_to = date(today.year, 1, 1), date(today.year, 12, 31)
        yield person


def _family(random: Random, today: date, taken: set[str], first: int) -> Iterator[Person]:
    """A couple or one adult, with children and sometimes an old parent."""
    home = random.choice(places.communes("46"))
    street = f"Số {random.randint(1, 240)} đường {random.choice(_STREETS.split(','))}"
    family_name = random.choice(_FAMILIES)
    age = random.choices((26, 33, 41, 50, 60, 70, 79), (9, 16, 16, 17, 20, 15, 7))[0] + random.randint(0, 8)
    husband_age, number = age, first

    def born(years: int) -> date:
        return today - timedelta(days=years * 365 + years // 4 + random.randint(20, 340))

    def person(sex: Sex, years: int, family: str) -> Person:
        nonlocal number
        birth = born(years)
        made = Person(
            f"nb-{number:04}",
            f"{family} {random.choice(_given(sex, age_on(birth, today)).split(','))}",
            sex,
            birth,
            _citizen_number(random, sex, birth, taken),
            _phone(random, taken) if years >= 16 else "",
            home,
            street,
        )
        number += 1
        return made

    members: list[Person] = []
    if random.random() < 0.8:
        members.append(person("male", husband_age, family_name))
    wife = person("female", max(20, husband_age - random.randint(0, 5)), random.choice(_FAMILIES))
    members.append(wife)
    if len(members) == 2:
        members[0].spouse, wife.spouse = wife.id, members[0].id
    if 24 <= husband_age <= 55:
        for _child in range(random.choices((0, 1, 2, 3), (18, 34, 40, 8))[0]):
            # The mother was between 20 and 40 at the birth.
            youngest = max(0, wife.age(today) - 40)
            oldest = min(17, wife.age(today) - 20)
            if youngest <= oldest:
                sex: Sex = random.choice(("male", "female"))
                child = person(sex, random.randint(youngest, oldest), family_name)
                child.guardian, child.guardian_role = wife.id, "me"
                members.append(child)
    if 35 <= husband_age <= 55 and random.random() < 0.35:
        members.append(person("female", husband_age + random.randint(23, 30), random.choice(_FAMILIES)))
    baby = any(member.age(today) == 0 for member in members)
    wife.expecting = 21 <= wife.age(today) <= 38 and not baby and random.random() < 0.22
    yield from members


def _given(sex: Sex, age: int) -> str:
    if sex == "male":
        return _BOYS if age < 15 else _MEN if age < 50 else _OLD_MEN
    return _GIRLS if age < 15 else _WOMEN if age < 50 else _OLD_WOMEN


def _citizen_number(random: Random, sex: Sex, birth: date, taken: set[str]) -> str:
    """A number of valid form; its six last digits are drawn, so a real one would be met only by chance."""
    while True:
        century_sex = (birth.year - 1900) // 100 * 2 + (sex == "female")
        number = f"{random.choice(_BORN_IN)}{century_sex}{birth:%y}{random.randint(0, 999_999):06}"
        if number not in taken:
            taken.add(number)
            return number


def _phone(random: Random, taken: set[str]) -> str:
    while True:
        number = f"{random.choice(_PREFIXES)}{random.randint(0, 9_999_999):07}"
        if number not in taken:
            taken.add(number)
            return number


def _insure(random: Random, today: date, person: Person) -> None:
    """A card for about 88 in 100; a few have run out."""
    age = person.age(today)
    if random.random() >= (0.99 if age < 6 else 0.87):
        return
    if age < 6:
        group = "TE1"
    elif age < 22:
        group = "HS4"
    elif age >= 60:
        group = random.choice(("HT3", "HT3", "GD4", "TC3", "CN2"))
    else:
        group = random.choice(("DN4", "DN4", "DN4", "GD4", "GD4", "CH4", "HN2", "HC4"))
    person.insurance = f"{group}46{random.randint(4_600_000_000, 4_699_999_999)}"
    expired = random.random() < 0.04
    year = today.year - 1 if expired else today.year
    person.insured_from, person.insured_to = date(year, 1, 1), date(year, 12, 31)


# To FHIR


def person_resources(person: Person, by_id: dict[str, Person], today: date) -> Iterator[Resource]:
    """Patient, its guardian's RelatedPerson, its Coverage, and what it shares with whom."""
    yield Patient(
        id=person.id,
        identifier=_numbers(person),
        active=True,
        name=_names(person),
        telecom=[phone(person.phone)] if person.phone else [],
        gender=person.sex,
        birthDate=person.birth.isoformat(),
        address=[_home(person)],
    )
    if person.guardian:
        yield _related(person, by_id[person.guardian], person.guardian_role)
    if person.spouse:
        yield _related(person, by_id[person.spouse], "vo-chong")
    if person.id == GRANDDAUGHTER:
        yield _related(person, by_id[HEROINE], "ba")
    yield from _consents(person, today)
    if person.insurance:
        yield Coverage(
            id=f"bhyt-{person.id.removeprefix('nb-')}",
            identifier=[identifier(identifiers.BHYT, person.insurance)],
            status="active",
            type=CodeableConcept(text="BHYT"),
            subscriberId=person.insurance,
            beneficiary=ref("Patient", person.id, person.name),
            period=Period(start=person.insured_from.isoformat(), end=person.insured_to.isoformat()),
            payor=[Reference(type="Organization", display="Bảo hiểm xã hội Việt Nam")],
        )


def _names(person: Person) -> list[HumanName]:
    names = [full_name(person.name)]
    if person.nickname:
        names.append(HumanName(use="nickname", text=person.nickname))
    return names


def _numbers(person: Person) -> list[Identifier]:
    return [identifier(identifiers.CCCD, person.cccd)]


def _home(person: Person) -> Address:
    return Address(
        use="home",
        text=f"{person.street}, {person.commune.label}",
        line=[person.street],
        city=person.commune.name,
        state=person.commune.province_name,
        country="VN",
    )


_ROLES: Final = {
    "me": ("MTH", "Mẹ"),
    "cha": ("FTH", "Cha"),
    "ba": ("GUARD", "Bà, người giám hộ"),
    "vo-chong": ("SPS", "Vợ hoặc chồng"),
}


def _related(person: Person, other: Person, role: str) -> RelatedPerson:
    code, text = _ROLES[role]
    return RelatedPerson(
        id=f"nt-{person.id.removeprefix('nb-')}-{role}",
        identifier=_numbers(other),
        active=True,
        patient=ref("Patient", person.id, person.name),
        relationship=[concept(HL7 + "v3-RoleCode", code, text=text)],
        name=[full_name(other.name)],
        telecom=[phone(other.phone)] if other.phone else [],
        gender=other.sex,
        birthDate=other.birth.isoformat(),
        extension=[Extension(url=RELATED_PATIENT, valueReference=ref("Patient", other.id, other.name))],
    )


def _consents(person: Person, today: date) -> Iterator[Resource]:
    """Everybody has let the province's hospital see the whole book to treat them; one lets his wife act for him.

    Without it a doctor would see what their own hospital keeps, and no more.
    """
    day = datetime.combine(today - timedelta(days=30), time(8), VIETNAM)
    name = person.id.removeprefix("nb-")
    shared = sharing(person.id, [ref("Organization", HOSPITAL)], now=day)
    shared.id = f"dy-{name}"
    if person.guardian:
        shared.performer = [ref("Patient", person.guardian)]
    yield shared
    if person.id == HUSBAND:
        family = sharing(person.id, [ref("Patient", HEROINE)], now=day, purposes=())
        family.id = f"dy-{name}-gia-dinh"
        yield family
