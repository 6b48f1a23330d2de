"""Which lots to take, what a line still needs, and what keeps it from being handed over. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from yba.care import catalogues, medicines
from yba.care.chart import drug_code_of
from yba.care.refusal import Refusal, refuse
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.medication_request import MedicationRequest

if TYPE_CHECKING:
    from yba.areas.pharmacy.models import Lot

MOST_RECEIVED = 100_000


@dataclass(frozen=True, slots=True)
class Pick:
    """Take so many of this lot."""

    lot: Lot
    quantity: int


def picks(lots: Iterable[Lot], wanted: int, *, today: date) -> list[Pick]:
    """First to expire, first out; expired lots are not there. May add up to less than ``wanted``."""
    found: list[Pick] = []
    for lot in sorted(usable(lots, today=today), key=lambda one: (one.expiry, one.number)):
        take = min(lot.balance, wanted - sum(one.quantity for one in found))
        if take > 0:
            found.append(Pick(lot, take))
    return found


def usable(lots: Iterable[Lot], *, today: date) -> list[Lot]:
    """Lots that may be handed out: the day of expiry itself still counts."""
    return [lot for lot in lots if lot.balance > 0 and lot.expiry >= today]


def prescribed(request: MedicationRequest) -> int:
    """Whole units the doctor wrote."""
    quantity = request.dispenseRequest.quantity if request.dispenseRequest else None
    return int(quantity.value) if quantity and quantity.value is not None else 0


def line_refusal(
    request: MedicationRequest, *, allergies: Sequence[AllergyIntolerance], today: date
) -> Refusal | None:
    """What keeps a line from being handed over at all: stopped, too old, unknown, or an allergy recorded since."""
    if request.status != "active":
        return refuse("dispense.stopped", _("Dòng thuốc này đã ngưng, không phát nữa."))
    drug = catalogues.drug(drug_code_of(request.medicationCodeableConcept))
    if drug is None:
        return refuse("dispense.unknown", _("Thuốc không có trong danh mục, không phát ở đây được."))
    valid = request.dispenseRequest.validityPeriod if request.dispenseRequest else None
    if valid and valid.end and today.isoformat() > valid.end[:10]:
        return refuse("dispense.late", _("Đơn đã quá 5 ngày kể từ ngày kê. Người bệnh cần khám lại."))
    for conflict in medicines.allergy_conflicts(drug, allergies):
        if conflict.kind == "stop" or not request.note:
            return conflict.refusal
    return None


def received_refusal(*, drug: str, number: str, expiry: date, quantity: int, today: date) -> Refusal | None:
    """Why goods can't be put in stock."""
    if catalogues.drug(drug) is None:
        return refuse("receipt.drug", _("Chọn một thuốc trong danh mục."))
    if not re.fullmatch(r"[0-9A-Za-z./-]{1,32}", number):
        return refuse("receipt.lot", _("Số lô gồm chữ và số in trên hộp, ví dụ L2404."))
    if expiry < today:
        return refuse("receipt.expired", _("Lô này đã hết hạn, không nhập kho."))
    if not 1 <= quantity <= MOST_RECEIVED:
        return refuse("receipt.quantity", _("Số lượng nhập phải từ 1 đến %(most)s."), most=MOST_RECEIVED)
    return None


def dispense_refusal(*, name: str, wanted: int, left: int, there: int, unit: str) -> Refusal | None:
    """Why this many can't be handed over now."""
    if wanted > left:
        words = _("%(name)s chỉ còn phải phát %(left)s %(unit)s theo đơn.")
        return refuse("dispense.more", words, name=name, left=left, unit=unit)
    if wanted > there:
        words = _("%(name)s trong kho chỉ còn %(there)s %(unit)s dùng được. Sửa số lấy rồi giao lại.")
        return refuse("dispense.short", words, name=name, there=there, unit=unit)
    return None
