"""What the pharmacy adds to a new demo province: stock in every facility that has a counter."""

from __future__ import annotations

from yba.areas.pharmacy.actions import seed_stock
from yba.care.demo.facilities import facilities
from yba.fhir.record import Record


def load(record: Record) -> None:
    """Stock for each facility of the province."""
    for house in facilities():
        seed_stock(record, house.id)
