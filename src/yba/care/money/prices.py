"""What a service costs at a facility: from its price list in the record."""

from __future__ import annotations

from decimal import Decimal

from yba import fhir
from yba.care.identifiers import SERVICE
from yba.care.money.rules import Line
from yba.fhir.r4.charge_item_definition import ChargeItemDefinition
from yba.fhir.record import facility_of


def price_of(record: fhir.Record, service_code: str, facility: str) -> Decimal | None:
    """The price in whole đồng, or None when the facility's list doesn't have the service."""
    found = definition_of(record, service_code, facility)
    return _price(found) if found else None


def line_for(
    record: fhir.Record, service_code: str, facility: str, *, quantity: Decimal = Decimal(1)
) -> Line | None:
    """A line of an invoice for one service of the price list, or None when it isn't there."""
    found = definition_of(record, service_code, facility)
    price = _price(found) if found else None
    if found is None or price is None:
        return None
    return Line(found.title or _name(found) or service_code, price, quantity, service_code)


def definition_of(record: fhir.Record, service_code: str, facility: str) -> ChargeItemDefinition | None:
    """The active entry of the facility's price list for a service."""
    found = record.find(
        ChargeItemDefinition, ("identifier", f"{SERVICE}|{service_code}"), ("status", "active")
    )
    return next((one for one in found if facility_of(one) == facility), None)


def _price(definition: ChargeItemDefinition) -> Decimal | None:
    for group in definition.propertyGroup:
        for part in group.priceComponent:
            if part.type == "base" and part.amount and part.amount.value is not None:
                return part.amount.value
    return None


def _name(definition: ChargeItemDefinition) -> str:
    code = definition.code
    return (code.text or next((one.display or "" for one in code.coding), "")) if code else ""
