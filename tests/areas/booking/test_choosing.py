"""Choosing a doctor: each filter, the order, what the ledger says, and how much work it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

import pytest
from django.db import connection
from django.test import Client

from tests.areas.booking.province import NOW, agent, build, citizen, opened
from tests.builders import as_owner
from tests.work import statements_sent
from yba.areas.booking import actions, choosing, directory, finding, holds, policies, rules, symptoms
from yba.areas.booking.choosing import Asked
from yba.areas.booking.forms import FindForm
from yba.areas.booking.models import OpenTime, Post
from yba.care import catalogues
from yba.care.identifiers import SERVICE, SPECIALTY_CS
from yba.fhir.access import Actor
from yba.fhir.r4.charge_item_definition import (
    ChargeItemDefinition,
    ChargeItemDefinitionPropertyGroup,
    ChargeItemDefinitionPropertyGroupPriceComponent,
)
from yba.fhir.r4.datatypes import (
    Address,
    CodeableConcept,
    Coding,
    HumanName,
    Identifier,
    Meta,
    Money,
    Reference,
)
from yba.fhir.r4.healthcare_service import HealthcareService
from yba.fhir.r4.location import Location, LocationPosition
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.site.oauth import scopes

Record = Any


def a_facility(
    record: Record, key: str, *, commune: str, at: tuple[str, str], price: int, insured: bool
) -> None:
    meta = Meta(tag=[Coding(system=rules.FACILITY_TAG, code=key)])
    record.update(
        Organization(id=key, name=f"Cơ sở {key}", active=True, meta=meta, address=[Address(city=commune)])
    )
    position = LocationPosition(latitude=Decimal(at[0]), longitude=Decimal(at[1]))
    record.update(Location(id=f"cs-{key}", name=key, meta=meta, position=position))
    paid = CodeableConcept(coding=[Coding(system="https://yba.vn/fhir/cs/program", code="bhyt")])
    record.update(
        HealthcareService(id=f"dv-{key}", active=True, meta=meta, program=[paid] if insured else [])
    )
    money = ChargeItemDefinitionPropertyGroupPriceComponent(
        type="base", amount=Money(value=Decimal(price), currency="VND")
    )
    code = next(one.code for one in catalogues.services() if one.specialty == "nhi" and one.group == "exam")
    record.update(
        ChargeItemDefinition(
            id=f"gia-{key}", url=f"https://yba.vn/{key}", status="active", meta=meta,
            identifier=[Identifier(system=SERVICE, value=code)],
            code=CodeableConcept(coding=[Coding(code=code)]),
            propertyGroup=[ChargeItemDefinitionPropertyGroup(priceComponent=[money])],
        )
    )  # fmt: skip


def a_doctor(
    record: Record, key: str, *, facility: str, starts: list[int], specialty: str = "nhi",
    gender: Literal["male", "female"] = "male",
    languages: tuple[str, ...] = (),
) -> None:  # fmt: skip
    """Somebody who has times so many minutes from now."""
    meta = Meta(tag=[Coding(system=rules.FACILITY_TAG, code=facility)])
    speaks = [CodeableConcept(coding=[Coding(system="urn:ietf:bcp:47", code=one)]) for one in languages]
    record.update(
        Practitioner(id=f"bs-{key}", active=True, name=[HumanName(text=f"BS. {key}")], gender=gender, meta=meta,
                     communication=speaks)
    )  # fmt: skip
    room = Reference(reference=f"Location/p-{key}", display=key)
    record.update(
        Location(id=f"p-{key}", name=key, meta=meta, partOf=Reference(reference=f"Location/cs-{facility}"))
    )
    concept = CodeableConcept(coding=[Coding(system=SPECIALTY_CS, code=specialty)])
    role = PractitionerRole(
        id=f"vt-{key}", active=True, meta=meta, practitioner=Reference(reference=f"Practitioner/bs-{key}"),
        organization=Reference(reference=f"Organization/{facility}"), specialty=[concept], location=[room],
        healthcareService=[Reference(reference=f"HealthcareService/dv-{facility}")],
    )  # fmt: skip
    record.update(role)
    actors = [
        Reference(reference=f"PractitionerRole/vt-{key}"),
        Reference(reference=f"Practitioner/bs-{key}"),
        room,
    ]
    record.update(Schedule(id=f"lich-{key}", active=True, actor=actors, specialty=[concept], meta=meta))
    for minutes in starts:
        at = NOW + timedelta(minutes=minutes)
        record.update(
            Slot(
                id=f"k-{key}-{minutes}", schedule=Reference(reference=f"Schedule/lich-{key}"), status="free",
                meta=meta, specialty=[concept], start=rules.instant(at), end=rules.instant(at + timedelta(minutes=20)),
            )
        )  # fmt: skip


@pytest.fixture
def town(db: None) -> Record:
    """Two facilities five kilometres apart; four doctors of children with times at 2, 3, 4 and 30 hours from now."""
    connection.ensure_connection()
    record = opened(connection)
    build(record, people=3)
    a_facility(record, "a", commune="Phường Vỹ Dạ", at=("16.4700", "107.6000"), price=100_000, insured=True)
    a_facility(record, "b", commune="Phường An Cựu", at=("16.4250", "107.6000"), price=180_000, insured=False)
    a_doctor(record, "an", facility="a", starts=[180, 200])
    a_doctor(record, "binh", facility="b", starts=[120, 600], gender="female", languages=("vi", "en"))
    a_doctor(record, "chau", facility="a", starts=[240], gender="female")
    a_doctor(record, "dung", facility="b", starts=[1800])
    return record


def ask(who: Actor | None = None, **asked: Any) -> list[str]:
    said = {"specialties": ("nhi",)} | asked
    found = choosing.choose(opened(connection, who or citizen("p1")), Asked(**said))
    return [one.role_id.removeprefix("vt-") for one in found.posts]


def test_the_soonest_first_and_each_filter_alone(town: Record) -> None:
    assert ask() == ["binh", "an", "chau", "dung"]
    assert ask(place="a") == ["an", "chau"]
    assert ask(place="Phường An Cựu") == ["binh", "dung"]
    assert ask(women=True) == ["binh", "chau"]
    assert ask(language="en") == ["binh"]
    assert ask(language="vi") == ["binh", "an", "chau", "dung"]
    assert ask(insured=True) == ["an", "chau"]
    assert ask(most_price=150_000) == ["an", "chau"]
    assert ask(text="chau") == ["chau"]
    assert ask(specialties=(), text="bs chau") == ["chau"]
    assert ask(specialties=("mat",)) == []


def test_day_and_hour_leave_only_those_with_a_time_then(town: Record) -> None:
    tomorrow = NOW + timedelta(hours=18)  # midnight in Vietnam
    assert ask(first=tomorrow, last=tomorrow + timedelta(days=1)) == ["dung"]
    assert ask(first=NOW, last=tomorrow, hours=(9, 11)) == ["an", "chau"]  # 9:00 and 10:00
    assert ask(first=NOW, last=tomorrow, hours=(16, 17)) == ["binh"]
    shown = choosing.choose(
        opened(connection, citizen("p1")),
        Asked(specialties=("nhi",), first=NOW, last=tomorrow, hours=(16, 17)),
    )
    assert [rules.instant(one.start) for one in shown.posts[0].free] == ["2026-11-23T16:00:00+07:00"]


def test_by_distance_by_price_by_name(town: Record) -> None:
    at_a = (16.47, 107.60)
    assert ask(centre=at_a, within_km=2.0) == ["an", "chau"]
    assert ask(centre=at_a, within_km=6.0, order="near") == ["an", "chau", "binh", "dung"]
    assert ask(order="price") == ["an", "chau", "binh", "dung"]
    assert ask(order="name") == ["an", "binh", "chau", "dung"]
    assert rules.kilometres(at_a, (16.425, 107.60)) == pytest.approx(5.004, abs=0.001)


def test_a_seat_taken_or_given_back_moves_the_doctor_in_the_same_transaction(town: Record) -> None:
    first = actions.book_appointment(
        opened(connection, citizen("p2")), slot_id="k-binh-120", patient_id="p2", reason="x"
    )
    assert OpenTime.objects.get(pk="k-binh-120").open is False
    assert ask() == ["an", "chau", "binh", "dung"]
    actions.cancel_appointment(opened(connection, citizen("p2")), first.id or "")
    assert OpenTime.objects.get(pk="k-binh-120").open is True
    assert ask() == ["binh", "an", "chau", "dung"]


def test_all_at_once_and_one_by_one_find_the_same(town: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    def both(**asked: Any) -> tuple[list[str], list[str]]:
        found = []
        for few in (0, 99):
            monkeypatch.setattr(choosing, "_FEW", few)
            found.append(ask(**asked))
        return found[0], found[1]

    tomorrow = NOW + timedelta(hours=18)
    for asked, right in (
        ({}, ["binh", "an", "chau", "dung"]),
        ({"first": NOW, "last": tomorrow}, ["binh", "an", "chau"]),
        ({"first": NOW, "last": tomorrow, "hours": (9, 11)}, ["an", "chau"]),
        ({"order": "price"}, ["an", "chau", "binh", "dung"]),
    ):
        assert both(**asked) == (right, right), asked


def test_what_is_held_is_free_for_its_owner_only(town: Record) -> None:
    holds.hold(opened(connection, citizen("p2")), ["k-binh-120"])
    assert ask() == ["an", "chau", "binh", "dung"]
    assert ask(citizen("p2")) == ["binh", "an", "chau", "dung"]
    assert ask(first=NOW, last=NOW + timedelta(hours=2, minutes=30)) == []


def test_the_rules_of_a_timetable_and_its_end_count_at_once(town: Record) -> None:
    schedule = town.read(Schedule, "lich-binh")
    schedule.extension = [policies.policy_extension(policies.Policy(notice=timedelta(hours=3)))]
    town.update(schedule)
    assert ask() == ["an", "chau", "binh", "dung"]  # only the time at 16:00 is left to ask for
    assert ask(replace(agent(), facility="b")) == [
        "binh",
        "an",
        "chau",
        "dung",
    ]  # staff decide for themselves
    schedule.active = False
    town.update(schedule)
    assert ask() == ["an", "chau", "dung", "binh"]  # without a time at all: last
    schedule.active = True
    schedule.extension = []
    town.update(schedule)
    assert ask() == ["binh", "an", "chau", "dung"]


def test_what_changes_in_the_record_is_found_by_at_once(town: Record) -> None:
    assert ask(text="hoa") == []
    doctor = town.read(Practitioner, "bs-an")
    doctor.name = [HumanName(text="BS. Hòa")]
    town.update(doctor)
    assert ask(text="hoa") == ["an"]
    role = town.read(PractitionerRole, "vt-an")
    role.active = False
    town.update(role)
    assert ask() == ["binh", "chau", "dung"]
    town.delete("PractitionerRole", "vt-chau")
    assert ask() == ["binh", "dung"]
    service = town.read(HealthcareService, "dv-b")
    service.program = [CodeableConcept(coding=[Coding(system="https://yba.vn/fhir/cs/program", code="bhyt")])]
    town.update(service)
    assert ask(insured=True) == ["binh", "dung"]


def test_a_rebuild_says_the_same_as_the_guards(town: Record) -> None:
    def rows() -> list[Any]:
        ask()
        return [
            sorted(Post.objects.values_list().order_by("role_id")),
            sorted(OpenTime.objects.filter(starts__gte=NOW).values_list()),
        ]

    before = rows()
    assert len(before[0]) == 5
    Post.objects.all().delete()
    OpenTime.objects.all().delete()
    assert ask() == ["binh", "an", "chau", "dung"]  # nothing there yet: copied before it is looked at
    assert rows() == before


def test_the_copies_name_nobody_whom_the_door_hides(town: Record) -> None:
    blind = Actor(
        user="x",
        role="citizen",
        scopes=tuple(scopes.resources(["patient/Patient.rs"])),
        person="p1",
        persons=frozenset({"p1"}),
    )
    assert ask(blind) == []
    assert choosing.options(opened(connection, blind)).specialties == []


def test_the_work_is_the_same_for_four_doctors_and_for_forty(town: Record) -> None:
    asked = Asked(specialties=("nhi",))

    def sent() -> int:
        record = opened(connection, citizen("p1"))
        with statements_sent() as found:
            choosing.choose(record, asked, count=4)
        # What tells the wall who asks is sent along with each.
        return sum("set_config" not in one[0] for one in found)

    ask()
    before = sent()
    for number in range(36):
        a_doctor(town, f"them{number}", facility="a", starts=[700 + number])
    directory.catch_up(town)
    assert (before, sent()) == (before, before)
    assert before <= 25, before


def test_times_are_found_by_an_index_that_has_only_open_ones(town: Record) -> None:
    """The plan of the statement itself, where there is enough to make a difference: no time is looked at in vain."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into booking_opentime (slot_id, schedule_id, role_id, in_use, starts, open, kept, asked_until,"
            " asked_from) select 'x' || r || '-' || n, 'l' || r, 'vt-x' || r, true, %s + n * interval '1 hour', true,"
            " '', 'infinity', '-infinity' from generate_series(1, 200) r, generate_series(1, 100) n",
            [NOW],
        )
    with as_owner(connection.connection) as owner:  # web processes may not: they would be told so, and go on
        owner.execute("analyze booking_opentime")
    record = opened(connection, citizen("p1"))
    with statements_sent() as sent:
        choosing.choose(record, Asked(specialties=("nhi",)))
    find = next(one for one in sent if "fitting" in one[0])
    following = next(one for one in sent if "unnest(%(roles)s" in one[0])
    for text, params in (find, following):
        rows = record.connection.execute("explain " + text, params).fetchall()
        plan = "\n".join(str(row[0]) for row in rows)
        assert "booking_open_role" in plan, plan
        assert "Seq Scan on booking_opentime" not in plan, plan


def test_the_page_takes_every_filter_and_leaves_nonsense_out(town: Record) -> None:
    form = FindForm(
        {"khoa": "nhi", "xa": "5", "noi": "a", "buoi": "sang", "ngay": "nay", "xep": "gan", "hom": "x"}
    )
    form.is_valid()
    places = choosing.options(opened(connection, citizen("p1")))
    asked = finding.asked_of(form.cleaned_data, places, now=NOW)
    assert (asked.specialties, asked.place, asked.within_km, asked.order) == (("nhi",), "", 5, "near")
    assert asked.centre == pytest.approx((16.47, 107.6))
    assert (asked.hours, asked.first, asked.last) == (
        (0, 12), NOW - timedelta(hours=6), NOW + timedelta(hours=18),
    )  # fmt: skip
    assert places.communes == ["Phường An Cựu", "Phường Vỹ Dạ"]
    assert places.languages == ["en", "vi"]


def test_every_group_of_symptoms_leads_to_specialties_of_the_catalogue() -> None:
    groups = symptoms.groups()
    assert len(groups) == 17
    assert all(one.specialties and str(one) for one in groups.values())


def test_what_first_help_said_stands_on_the_page_whatever_is_asked(town: Record, client: Client) -> None:
    from yba.site.accounts.models import Account

    client.force_login(Account.objects.create_account("0905777666", role="citizen"))
    empty = client.get("/dat-kham/", {"khoa": "tam-than", "ngay": "nay", "muc": "nay"}).content.decode()
    assert "Nên khám trong hôm nay" in empty
    assert "Đến thẳng cơ sở khám gần nhất hoặc khoa Cấp cứu" in empty
    assert '<input type="hidden" name="muc" value="nay">' in empty
    plain = client.get("/dat-kham/", {"khoa": "nhi", "noi": "a"}).content.decode()
    assert "Nên khám trong hôm nay" not in plain
    assert 'href="/dat-kham/khoa/a/nhi/"' in plain
