"""What a citizen's phone may keep for reading without a network."""

from __future__ import annotations

import json

from django.test import Client

from tests.books import Book
from tests.builders import an_observation
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.datatypes import Coding, Meta, Reference
from yba.fhir.record import Record
from yba.ui import keeping


def test_a_citizens_day_is_kept_under_their_key(client: Client, book: Book) -> None:
    client.force_login(book.account)
    answer = client.get("/so/")
    assert answer[keeping.KEEP] == json.loads(client.get("/ui/whose").content)["whose"]
    assert answer[keeping.ALSO].split()[0] == "/dat-kham/lich-hen/"
    assert client.get("/dat-kham/lich-hen/").has_header(keeping.KEEP)
    assert not client.get("/so/trang/").has_header(keeping.KEEP)
    client.post("/ui/preferences", {"keep": "no"})
    refused = client.get("/so/")
    assert not refused.has_header(keeping.KEEP)
    assert refused[keeping.WHOSE].endswith(" none")


def test_a_label_keeps_a_page_from_the_device(client: Client, book: Book, record: Record) -> None:
    client.force_login(book.account)
    assert client.get("/dat-kham/lich-hen/").has_header(keeping.KEEP)
    label = Coding(system="http://terminology.hl7.org/CodeSystem/v3-ActCode", code="HIV")
    whose = AppointmentParticipant(actor=Reference(reference=f"Patient/{book.own.id}"), status="accepted")
    record.create(Appointment(status="proposed", participant=[whose], meta=Meta(security=[label])))
    assert not client.get("/dat-kham/lich-hen/").has_header(keeping.KEEP)
    assert not client.get("/so/").has_header(keeping.KEEP)


def test_a_label_on_anything_in_the_chart_keeps_the_day_from_the_device(
    client: Client, book: Book, record: Record
) -> None:
    """The page shows results, vaccines and bills too, and whatever it will show next."""
    client.force_login(book.account)
    assert client.get("/so/").has_header(keeping.KEEP)
    label = Coding(system="http://terminology.hl7.org/CodeSystem/v3-ActCode", code="HIV")
    found = an_observation(book.own.id or "")
    found.meta = Meta(security=[label])
    record.create(found)
    assert not client.get("/so/").has_header(keeping.KEEP)
    assert client.get("/dat-kham/lich-hen/").has_header(keeping.KEEP)  # shows nothing of it


def test_a_page_fetched_to_be_kept_takes_no_message_from_its_reader(client: Client, book: Book) -> None:
    client.force_login(book.account)
    client.post("/tin-nhan/tat-bao")
    said = "Đã tắt thông báo trên các máy"
    unread = client.get("/dat-kham/lich-hen/", headers={"X-Yba-Background": "keep"})
    assert (said in unread.content.decode(), said in client.get("/dat-kham/lich-hen/").content.decode()) == (
        False,
        True,
    )
