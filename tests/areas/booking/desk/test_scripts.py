"""Scripts: chosen by service, asked by condition, kept as they were answered, and what can't wait is found."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.utils import translation

from tests.areas.booking.province import HOSPITAL, TAG, agent, build, citizen, first_slot, opened
from yba.areas.booking import actions
from yba.areas.booking.desk import actions as desk
from yba.areas.booking.desk import queries, scripts
from yba.areas.booking.models import Contact, Progress
from yba.fhir.errors import NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Meta, UsageContext
from yba.fhir.r4.questionnaire import Questionnaire, QuestionnaireItem
from yba.fhir.r4.questionnaire_response import QuestionnaireResponse


@pytest.fixture
def asked(db):
    connection.ensure_connection()
    build(opened(connection))
    record = opened(connection, citizen("p1"))
    return actions.book_appointment(record, slot_id=first_slot(record), patient_id="p1", reason="Ho")


def mine(name="Mai Linh"):
    return opened(connection, agent(name))


def house(name: str) -> Questionnaire:
    return next(one for one in scripts.shipped() if (one.url or "").endswith(name))


def test_the_houses_own_scripts_are_valid_and_can_be_asked(db):
    connection.ensure_connection()
    for one in scripts.shipped():
        opened(connection).create(one)
        assert {item.type for item in scripts.every(one.item)} <= scripts.KNOWN
        links = [item.linkId for item in scripts.every(one.item)]
        assert len(links) == len(set(links))
        named = {when.question for item in scripts.every(one.item) for when in item.enableWhen}
        assert named <= set(links)
        assert [flag for item in scripts.every(one.item) for flag in item.extension]
        with translation.override("en"):
            for item in scripts.every(one.item):
                assert scripts.in_words(item.text, item.text_ext) != item.text
    assert sum(scripts._focus(one) == "" for one in scripts.shipped()) == 1


def test_the_script_is_the_services_and_a_facilitys_own_comes_first(asked):
    record = mine()
    chosen = scripts.script_for(record, specialty="tim-mach", facility=HOSPITAL)
    assert chosen.canonical == "https://yba.vn/fhir/Questionnaire/screening-cardiology|1.0.0"
    assert scripts.script_for(record, specialty="mat", facility=HOSPITAL).form.name == "ScreeningGeneral"
    own = own_script("own", QuestionnaireItem(linkId="q", text="Có ho không?", type="boolean"))
    opened(connection).create(own)
    assert scripts.script_for(record, specialty="tim-mach", facility=HOSPITAL).form.url == own.url
    assert scripts.script_for(record, specialty="mat", facility="other").form.name == "ScreeningGeneral"


def test_a_script_that_cannot_be_asked_by_telephone_is_said_and_not_used(asked):
    own = own_script("odd", QuestionnaireItem(linkId="q", text="Ảnh vết thương", type="attachment"))
    opened(connection).create(own)
    chosen = scripts.script_for(mine(), specialty="tim-mach", facility=HOSPITAL)
    assert (chosen.form.name, chosen.refused) == ("ScreeningCardiology", ("Riêng",))


def own_script(key: str, *items: QuestionnaireItem) -> Questionnaire:
    task = UsageContext(
        code=Coding(system="http://terminology.hl7.org/CodeSystem/usage-context-type", code="task"),
        valueCodeableConcept=CodeableConcept(coding=[Coding(system=scripts.TASK_CS, code="screening")]),
    )
    return Questionnaire(
        url=f"https://bv.example/Questionnaire/{key}", title="Riêng", status="active", useContext=[task],
        item=list(items), meta=Meta(tag=TAG.tag),
    )  # fmt: skip


def test_a_question_stands_only_when_its_condition_is_met():
    form = house("obstetrics")
    posted = {"hoi-blood-pregnant": "true", "hoi-pregnant": "false", "hoi-weeks": "12"}
    assert scripts.typed(form, posted) == ({"pregnant": False}, [])
    answers, _unread = scripts.typed(form, posted | {"hoi-pregnant": "true"})
    assert answers == {"pregnant": True, "blood-pregnant": True, "weeks": 12}
    assert [one.level for one in scripts.flags(form, answers)] == ["emergency"]


def test_what_cannot_be_read_is_not_kept_and_is_said():
    form = house("paediatrics")
    answers, unread = scripts.typed(form, {"hoi-weight": "NaN", "hoi-since": "never", "hoi-drink": "yes"})
    assert (answers, unread) == ({}, ["drink", "since", "weight"])
    assert scripts.typed(form, {"hoi-weight": "17,5"})[0] == {"weight": Decimal("17.5")}


def test_answers_are_kept_once_a_request_and_come_back_as_they_were(asked):
    script = scripts.script_for(mine(), specialty="nhi", facility=HOSPITAL)
    first = {"drink": False, "weight": Decimal("17.50"), "since": "days", "medicines": "Hạ sốt"}
    assert desk.keep_answers(mine(), asked.id, script, first) == []
    desk.keep_answers(mine(), asked.id, script, first)
    kept = opened(connection).find(QuestionnaireResponse)
    assert len(kept) == 1
    assert kept[0].meta.versionId == "1"
    assert scripts.given(kept[0]) == first
    assert kept[0].identifier.value == asked.id
    assert kept[0].subject.reference == "Patient/p1"
    assert kept[0].status == "in-progress"
    assert [one.linkId for one in kept[0].item] == ["danger", "story", "ready"]


def test_a_red_flag_moves_the_request_up_and_a_correction_moves_it_back(asked):
    record = opened(connection, citizen("p2"))
    earlier = actions.book_appointment(record, slot_id=first_slot(record), patient_id="p2", reason="Đau ngực")
    now = mine().clock()
    assert [(one.booking.id, one.level) for one in queries.waiting_list(mine(), now=now)] == [
        (earlier.id, "urgent"), (asked.id, "routine"),
    ]  # fmt: skip
    script = scripts.script_for(mine(), specialty="", facility=HOSPITAL)
    flags = desk.keep_answers(mine(), asked.id, script, {"stroke": True})
    assert [one.level for one in flags] == ["emergency"]
    rows = queries.waiting_list(mine(), now=now)
    assert [(one.booking.id, one.level) for one in rows] == [(asked.id, "emergency"), (earlier.id, "urgent")]
    assert mine().read(Appointment, asked.id).priority == 1
    noted = Contact.objects.get(kind="flagged")
    assert (noted.reason, noted.note) == ("emergency", "Méo miệng, yếu tay chân hoặc nói khó mới có?")
    desk.keep_answers(mine(), asked.id, script, {"stroke": False})
    assert mine().read(Appointment, asked.id).priority is None
    assert Progress.objects.get().level == ""


def test_the_outcome_closes_the_answers(asked):
    script = scripts.script_for(mine(), specialty="", facility=HOSPITAL)
    desk.keep_answers(mine(), asked.id, script, {"chest": False})
    assert desk.confirm(mine(), asked.id).result == "done"
    assert scripts.kept_answers(mine(), asked.id).status == "completed"


def test_nobody_else_of_another_facility_sees_the_answers(asked):
    from yba.fhir.access import Actor

    script = scripts.script_for(mine(), specialty="", facility=HOSPITAL)
    desk.keep_answers(mine(), asked.id, script, {"chest": True})
    kept = scripts.kept_answers(mine(), asked.id)
    assert kept is not None
    other = opened(connection, Actor(user="x", role="customer_care", name="X", facility="other"))
    assert scripts.kept_answers(other, asked.id) is None
    with pytest.raises(NotFound):
        other.read(QuestionnaireResponse, kept.id)


def test_the_desk_sees_no_answers_but_its_own(asked):
    system = opened(connection)
    clinical = system.create(
        QuestionnaireResponse(status="completed", subject=asked.participant[0].actor, meta=Meta(tag=TAG.tag))
    )
    assert system.read(QuestionnaireResponse, clinical.id)
    with pytest.raises(NotFound):
        mine().read(QuestionnaireResponse, clinical.id)
    assert mine().find(QuestionnaireResponse) == []


def test_the_scripts_are_put_into_the_record_once_and_anew_with_another_version(asked):
    system = opened(connection)
    assert scripts.load(system) == len(scripts.shipped())
    assert scripts.load(system) == 0
    old = system.read(Questionnaire, "screening-general")
    old.version = "0.9.0"
    system.update(old)
    assert scripts.load(system) == 1
    assert system.read(Questionnaire, "screening-general").version == "1.0.0"
    chosen = scripts.script_for(mine(), specialty="tim-mach", facility=HOSPITAL)
    assert (chosen.form.id, chosen.form.meta.versionId) == ("screening-cardiology", "1")
