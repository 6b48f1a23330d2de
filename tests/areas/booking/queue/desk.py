"""A reception with everything it needs: booking's small province, a price, a room that belongs, accounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import connection
from django.test import Client

from tests.areas.booking import province
from yba import fhir
from yba.areas.booking import actions as booking
from yba.areas.booking.queue import queries
from yba.areas.booking.queue.actions import Card, Wish
from yba.care import catalogues
from yba.fhir.access import Actor
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.charge_item_definition import (
    ChargeItemDefinition,
    ChargeItemDefinitionPropertyGroup,
    ChargeItemDefinitionPropertyGroupPriceComponent,
)
from yba.fhir.r4.datatypes import Identifier, Money, Reference
from yba.fhir.r4.location import Location
from yba.site.accounts.models import Account

DESK = Actor(user="desk", role="receptionist", name="Tuấn Anh", facility=province.HOSPITAL)
FEE = Decimal(45000)


def build(people: int = 2) -> fhir.Record:
    """The house with today's slots; answers the system's record."""
    connection.ensure_connection()
    record = province.opened(connection)
    province.build(record, days=1, people=people)
    record.update(
        Location(
            id="p-204", name="204", meta=province.TAG,
            managingOrganization=Reference(reference=f"Organization/{province.HOSPITAL}"),
        )
    )  # fmt: skip
    exam = next(one for one in catalogues.services() if one.group == "exam" and one.specialty == "tim-mach")
    component = ChargeItemDefinitionPropertyGroupPriceComponent(
        type="base", amount=Money(value=FEE, currency="VND")
    )
    record.update(
        ChargeItemDefinition(
            id="gia", url="https://yba.vn/gia", status="active", title="Công khám Tim mạch", meta=province.TAG,
            identifier=[Identifier(system="https://yba.vn/fhir/sid/service", value=exam.code)],
            propertyGroup=[ChargeItemDefinitionPropertyGroup(priceComponent=[component])],
        )
    )  # fmt: skip
    return record


def at_desk() -> fhir.Record:
    connection.ensure_connection()
    return province.opened(connection, DESK)


def booked(record: fhir.Record, patient: str = "p1", *, skip: int = 0) -> Appointment:
    """A confirmed booking of today."""
    slot = province.first_slot(record, skip=skip)
    asked = booking.book_appointment(
        record, slot_id=slot, patient_id=patient, reason="Chóng mặt", once=f"{patient}{skip}"
    )
    booking.confirm_request(province.opened(connection, province.agent()), asked.id or "")
    return record.read(Appointment, asked.id or "")


def wish(record: fhir.Record, **fields: Any) -> Wish:
    posts = queries.posts_of(record, facility=province.HOSPITAL)
    return Wish(
        **{"post": posts[0], "letter": queries.letter_of(posts, posts[0].room_id), "key": "k", **fields}
    )


def a_card(number: str = "HT3464612345678") -> Card:
    return Card(number)


def signed_in(role: str, *, facility: str = province.HOSPITAL) -> Client:
    """A browser of somebody with this role."""
    account = Account.objects.create_account(
        f"{role}.{facility}", role=role, name="Người thử", facility="" if role == "citizen" else facility
    )
    client = Client()
    client.force_login(account)
    return client
