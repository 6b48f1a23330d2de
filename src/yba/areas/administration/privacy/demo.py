"""What data protection adds to a new demo province: each facility has named its officer."""

from __future__ import annotations

from yba.care.demo.facilities import facilities
from yba.care.privacy import actions
from yba.fhir.record import Record

#: Invented, as everything in the demo.
OFFICERS = ("Hoàng Thị Bảo Mật", "Lê Văn Giữ", "Trần Thị Kín", "Nguyễn Văn Cẩn", "Phan Thị Lặng")


def load(record: Record) -> None:
    """An officer for each facility of the province."""
    for number, house in enumerate(facilities()):
        name = OFFICERS[number % len(OFFICERS)]
        actions.name_officer(record, facility=house.id, name=name, phone=f"09050090{number:02d}", email="")
