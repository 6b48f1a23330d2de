"""Ratings: who says what of which visit, what of it is shown to whom, how it is disputed, asked for, ordered by."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.areas.booking.province import HOSPITAL, NOW, TAG, build, citizen, opened
from tests.work import statements_sent
from yba.areas.booking import choosing, directory
from yba.areas.booking.choosing import Asked
from yba.areas.booking.models import OpenTime, Post
from yba.areas.booking.ratings import actions, asking, demo, keeping, queries, rules
from yba.areas.booking.ratings.models import Dispute, Rating
from yba.areas.booking.ratings.rules import Figures, Said
from yba.care import rating as visits
from yba.care.messages import kinds, outbox
from yba.care.messages.models import Message, Preference
from yba.care.refusal import Refusal
from yba.fhir.access import Actor
from yba.fhir.errors import NotFound
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import CodeableConcept, Coding, HumanName, Period, Reference
from yba.fhir.r4.encounter import Encounter, EncounterParticipant
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.questionnaire_response import QuestionnaireResponse
from yba.fhir.record.labelled import any_labelled
from yba.site.accounts.models import Account

DOCTOR = Actor(user="bs-khoi", role="doctor", facility=HOSPITAL, practitioner="bs", name="BS. Khôi")
ADMIN = Actor(user="qt-1", role="facility_administrator", facility=HOSPITAL, name="Quản trị")
OTHER_ADMIN = Actor(user="qt-2", role="facility_administrator", facility=HOSPITAL, name="Phó quản trị")


@pytest.fixture
def house(db):
    connection.ensure_connection()
    build(opened(connection), people=6)
    directory.rebuild(opened(connection))
    return connection


def a_visit(
    house: Any, person: str = "p1", *, doctor: str = "bs", status: Any = "finished", **more: Any
) -> str:
    """A visit of an hour ago; its id."""
    start = (NOW - timedelta(hours=1)).isoformat()
    made = opened(house).create(
        Encounter(
            meta=TAG, status=status, class_=Coding(code="AMB"), subject=Reference(reference=f"Patient/{person}"),
            participant=[EncounterParticipant(individual=Reference(reference=f"Practitioner/{doctor}", display="BS"))],
            serviceProvider=Reference(reference=f"Organization/{HOSPITAL}", display="BV Hương Giang"),
            period=Period(start=start, end=start), **more,
        )
    )  # fmt: skip
    return made.id or ""


def diagnosed(house: Any, visit: str, code: str, person: str = "p1") -> None:
    opened(house).create(
        Condition(
            meta=TAG, subject=Reference(reference=f"Patient/{person}"),
            encounter=Reference(reference=f"Encounter/{visit}"),
            code=CodeableConcept(coding=[Coding(system="http://hl7.org/fhir/sid/icd-10", code=code)]),
        )
    )  # fmt: skip


def say(
    house: Any, visit: str, stars: int = 4, words: str = "", *, person: str = "p1", **answers: str
) -> Any:
    return actions.rate(opened(house, citizen(person)), visit, Said(stars, answers, words))


def said_by_five(house: Any, stars: tuple[int, ...] = (5, 5, 4, 4, 5)) -> list[Rating]:
    return [
        say(
            house,
            a_visit(house, f"p{n}"),
            one,
            f"Lời thứ {n}",
            person=f"p{n}",
            listened="yes" if n > 1 else "no",
        )
        for n, one in enumerate(stars, 1)
    ]


def test_one_a_visit_that_took_place_changed_by_who_wrote_it_and_by_nobody_else(house):
    visit = a_visit(house)
    made = say(house, visit, 2, "Chờ lâu", listened="yes")
    again = say(house, visit, 4, "Chờ lâu nhưng khám kỹ", listened="yes", explained="no")
    assert (Rating.objects.count(), again.key, again.version) == (1, made.key, 2)
    assert say(house, visit, 4, "Chờ lâu nhưng khám kỹ", listened="yes", explained="no").version == 2
    [kept] = opened(house, citizen("p1")).find(QuestionnaireResponse, ("encounter", f"Encounter/{visit}"))
    assert (kept.id, kept.meta.versionId) == (made.response_id, "2")
    assert [(one.linkId, one.answer[0].valueInteger) for one in kept.item if one.linkId == "stars"] == [
        ("stars", 4)
    ]
    assert {one.linkId: one.answer[0].valueCoding.code for one in kept.item if one.answer[0].valueCoding} == {
        "listened": "yes", "explained": "no",
    }  # fmt: skip
    assert (kept.subject.reference, kept.questionnaire.split("|")[0]) == (
        "Patient/p1", "https://yba.vn/fhir/Questionnaire/visit-rating",
    )  # fmt: skip
    # A stranger does not see the visit; a helper of the same person sees it and may not change what she wrote.
    with pytest.raises(NotFound):
        say(house, visit, 1, person="p2")
    son = Actor(user="con", role="citizen", person="p1", persons=frozenset({"p1"}), name="Con")
    refused = actions.rate(opened(house, son), visit, Said(1))
    assert isinstance(refused, Refusal)
    assert refused.key == "rating.of-another"
    for status in ("in-progress", "cancelled", "planned"):
        assert say(house, a_visit(house, status=status)).key == "rating.not-possible"


def test_no_staff_reads_it_in_the_chart_and_no_device_forgets_the_book_for_it(house):
    visit = a_visit(house)
    made = say(house, visit, 5, "Rất kỹ")
    for actor in (
        DOCTOR,
        ADMIN,
        Actor(user="td", role="receptionist", facility=HOSPITAL),
        Actor(user="dd", role="nurse", facility=HOSPITAL, practitioner="dd"),
        Actor(user="tk", role="head_of_department", facility=HOSPITAL, practitioner="bs"),
        Actor(user="hs", role="records_office", facility=HOSPITAL),
        Actor(user="cs", role="customer_care", facility=HOSPITAL),
    ):
        record = opened(house, actor)
        if actor.role in (
            "doctor",
            "nurse",
            "records_office",
        ):  # before "can't see": the visit is there to be seen
            assert record.read(Encounter, visit).id == visit
        with pytest.raises(NotFound):
            record.read(QuestionnaireResponse, made.response_id)
    own = opened(house, citizen("p1"))
    assert own.read(QuestionnaireResponse, made.response_id).id == made.response_id
    assert any_labelled(own, ["p1"])
    assert not any_labelled(own, ["p1"], besides=visits.KEEPER)


@pytest.mark.parametrize("code", ["B20", "F32.1", "Z21"])
def test_a_visit_that_tells_something_is_not_asked_about_not_taken_and_taken_out_later(house, code):
    telling = a_visit(house)
    diagnosed(house, telling, code)
    record = opened(house, citizen("p1"))
    assert not visits.may_rate(record, record.read(Encounter, telling))
    assert say(house, telling).key == "rating.not-possible"
    ratings = said_by_five_of_others(house)
    assert asking.ask(opened(house, at=lambda: NOW + timedelta(hours=2))) == 0
    assert keeping.figures(record, ["vt"])["vt"] == Figures(5, 23)
    diagnosed(house, ratings[0].encounter_id, code, "p2")  # a result that came later
    shown = queries.shown(record, "vt")
    assert "Lời thứ 2" not in {one.words for one in shown.words}
    doctor = opened(house, DOCTOR)
    assert queries.looked_after(doctor).count() == 5
    assert {one.words for one in queries.a_page(doctor).ratings} == {f"Lời thứ {n}" for n in (3, 4, 5, 6)}
    with pytest.raises(NotFound):
        queries.one(doctor, str(ratings[0].key))
    assert keeping.look_again(opened(house)) == 1
    assert keeping.figures(record, ["vt"])["vt"] == Figures(4, 18)
    assert queries.shown(record, "vt").words == []
    assert say(house, ratings[0].encounter_id, 1, person="p2").key == "rating.not-possible"


def said_by_five_of_others(house: Any) -> list[Rating]:
    return [
        say(house, a_visit(house, f"p{n}"), stars, f"Lời thứ {n}", person=f"p{n}")
        for n, stars in zip((2, 3, 4, 5, 6), (5, 5, 4, 4, 5), strict=True)
    ]


def test_a_specialty_that_tells_by_its_name_is_never_rated(house):
    role = opened(house).read(PractitionerRole, "vt")
    role.specialty = [
        CodeableConcept(coding=[Coding(system="https://yba.vn/fhir/cs/specialty", code="tam-than")])
    ]
    opened(house).update(role)
    assert say(house, a_visit(house)).key == "rating.not-possible"
    assert asking.ask(opened(house, at=lambda: NOW + timedelta(hours=2))) == 0
    assert Message.objects.count() == 0


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("Cảm ơn, Nguyễn Thị Hạnh", "rating.name"),
        ("Gọi tôi 0905 123 456", "rating.number"),
        ("Xem www.thuoc.vn", "rating.number"),
        ("Cho thuốc ARV đúng hẹn", "rating.health"),
    ],
)
def test_words_that_tell_who_or_what_are_refused(house, words, key):
    visit = a_visit(house)
    assert say(house, visit, 4, words).key == key
    assert Rating.objects.count() == 0
    assert rules.words_refusal("Chờ 45 phút, khám kỹ, giá 150.000 đồng", names=("Nguyễn Thị Hạnh",)) is None


def test_figures_words_and_months_are_shown_from_five_on_and_nobody_by_name_or_day(house):
    said_by_five(house, (5, 5, 4, 4))
    record = opened(house, citizen("p6"))
    assert queries.shown(record, "vt") == queries.Shown(Figures(4, 18), [], [])
    account = Account.objects.create_account("0905999888", role="citizen", name="Ai đó")
    account.links.create(patient_id="p6", relation="ban-than")
    browser = Client()
    browser.force_login(account)
    page = browser.get("/dat-kham/bac-si/vt/").content.decode()
    assert "Chưa đủ đánh giá" in page
    assert "Lời thứ" not in page
    say(house, a_visit(house, "p5"), 5, "Lời thứ 5", person="p5", listened="yes")
    with statements_sent() as sent:
        shown = queries.shown(record, "vt")
    assert len([one for one, _given in sent if "set_config" not in one]) == 4
    assert (shown.figures, shown.figures.average) == (Figures(5, 23), Decimal("4.6"))
    assert shown.aspects == [("Bác sĩ có lắng nghe không?", 80)]
    page = browser.get("/dat-kham/bac-si/vt/").content.decode()
    assert "4,6 trên 5 · 5 đánh giá" in page
    assert "5 trên 5 · tháng 11/2026" in page
    for name in (
        "Hạnh",
        "Lê Văn Hùng",
        "23/11/2026",
        "p1",
        *Rating.objects.values_list("encounter_id", flat=True),
    ):
        assert name not in page.split('id="danh-gia"')[1].split("</section>")[0]
    assert "4,6 trên 5 · 5 đánh giá" in browser.get("/dat-kham/?xep=danh-gia&sao=45").content.decode()


def another_doctor(house: Any, key: str) -> None:
    record = opened(house)
    record.update(Practitioner(id=f"bs-{key}", active=True, name=[HumanName(text=f"BS. {key}")], meta=TAG))
    role = record.read(PractitionerRole, "vt")
    role.id, role.practitioner, role.meta = f"vt-{key}", Reference(reference=f"Practitioner/bs-{key}"), TAG
    record.update(role)


def test_choosing_orders_and_narrows_by_the_average_as_it_is_shown(house):
    for key in ("a", "b", "c"):
        another_doctor(house, key)
    directory.rebuild(opened(house))
    wanted = {"vt": (5, 23), "vt-a": (40, 184), "vt-b": (6, 29), "vt-c": (4, 20)}
    for role_id, (count, total) in wanted.items():
        Post.objects.filter(role_id=role_id).update(rated_count=count, rated_sum=total)
    record = opened(house, citizen("p1"))

    def found(**asked: Any) -> list[tuple[str, int]]:
        with statements_sent() as sent:
            chosen = choosing.choose(record, Asked(**asked))
        assert len(sent) < 40
        return [(one.role_id, one.rated.count if one.rated else -1) for one in chosen.posts]

    OpenTime.objects.all().delete()  # who has times comes before who has none, whatever the order
    # 4.8, then 4.6 of 40 before 4.6 of 5, then who has no average.
    ordered = [row[0] for row in choosing._ordered(record, Asked(order="rating"), words=[], limit=9)]
    assert ordered == ["vt-b", "vt-a", "vt", "vt-c"]
    assert sorted(found(order="rating")) == [("vt", 5), ("vt-a", 40), ("vt-b", 6), ("vt-c", 4)]
    assert sorted(found(least_rating=40)) == [("vt", 5), ("vt-a", 40), ("vt-b", 6)]
    Post.objects.filter(role_id="vt-a").update(rated_sum=178)  # 4.45 is shown as 4.5
    Post.objects.filter(role_id="vt").update(rated_sum=22)
    assert sorted(found(least_rating=45)) == [("vt-a", 40), ("vt-b", 6)]
    # What is copied anew is counted anew, also where a role went and came back.
    directory.rebuild(opened(house))
    assert set(Post.objects.values_list("rated_count", "rated_sum")) == {(0, 0)}


def test_a_dispute_rests_the_words_and_somebody_else_decides_with_a_reason_that_the_writer_reads(house):
    ratings = said_by_five(house)
    one = str(ratings[0].key)
    record = opened(house, citizen("p6"))

    def words() -> set[str]:
        return {it.words for it in queries.shown(record, "vt").words}

    assert "Lời thứ 1" in words()
    elsewhere = Actor(user="bs-x", role="doctor", facility="bv-2", practitioner="bs", name="X")
    for stranger in (
        elsewhere,
        Actor(user="bs-y", role="doctor", facility=HOSPITAL, practitioner="bs-9", name="Y"),
    ):
        with pytest.raises(NotFound):
            actions.dispute(opened(house, stranger), one, reason="insult")
    assert actions.dispute(opened(house, DOCTOR), one, reason="other").key == "rating.no-reason"
    disputed = actions.dispute(opened(house, DOCTOR), one, reason="insult", note="Chửi")
    assert disputed.state == "disputed"
    assert "Lời thứ 1" not in words()
    assert keeping.figures(record, ["vt"])["vt"] == Figures(5, 23)  # nobody gains by disputing
    assert actions.dispute(opened(house, ADMIN), one, reason="insult").key == "rating.disputed-already"
    with pytest.raises(NotFound):
        actions.decide(opened(house, DOCTOR), one, keep=False, why="x", version=1)
    assert actions.decide(opened(house, ADMIN), one, keep=True, why=" ", version=1).key == "rating.no-why"
    assert (
        actions.decide(opened(house, ADMIN), one, keep=True, why="x", version=2).key == "rating.changed-since"
    )
    kept = actions.decide(opened(house, ADMIN), one, keep=True, why="Chê, không chửi", version=1)
    assert kept.state == "shown"
    assert "Lời thứ 1" in words()
    assert actions.dispute(opened(house, DOCTOR), one, reason="insult").key == "rating.kept-already"
    assert (
        actions.decide(opened(house, ADMIN), one, keep=False, why="x", version=1).key
        == "rating.decided-already"
    )

    two = str(ratings[1].key)
    actions.dispute(opened(house, ADMIN), two, reason="advert")
    assert (
        actions.decide(opened(house, ADMIN), two, keep=False, why="x", version=1).key == "rating.own-dispute"
    )
    actions.decide(opened(house, OTHER_ADMIN), two, keep=False, why="Quảng cáo", version=1)
    assert keeping.figures(record, ["vt"])["vt"] == Figures(4, 18)
    changed = say(house, ratings[1].encounter_id, 1, "Viết lại", person="p2")
    assert (changed.state, changed.disputes.get(outcome="").by) == ("disputed", Dispute.By.CHANGED)
    told = list(Message.objects.filter(kind="rating.decided").order_by("pk"))
    assert [one.to_phone for one in told] == ["0905000001", "0905000002"]
    assert all("danh gia" in one.text and "Khoi" not in one.text for one in told)


def test_asked_once_after_the_visit_by_the_facility_alone_as_the_reader_wishes(house):
    visit, rated = a_visit(house), a_visit(house, "p2")
    say(house, rated, person="p2")
    a_visit(house, "p3", status="in-progress")
    early = opened(house, at=lambda: NOW + timedelta(minutes=30))
    assert asking.ask(early) == 0
    later = opened(house, at=lambda: NOW + timedelta(hours=2))
    assert (asking.ask(later), asking.ask(later)) == (1, 0)
    told = Message.objects.get()
    assert (told.kind, told.to_phone, told.dedupe_key) == (
        "rating.asked",
        "0905000001",
        f"rating.asked:{visit}",
    )
    assert told.values.keys() == {"facility", "when"}
    for hidden in ("Khoi", "Tim", "204"):
        assert hidden not in told.text
    assert len(told.text) <= 160
    kind = kinds.kind_of("rating.asked")
    english = kinds.rendered(kind, "sms", "en", told.values).text
    assert english.startswith("BV Huong Giang: how was your visit")
    account = Account.objects.create_account("0905000001", role="citizen", name="Hạnh")
    Preference.objects.create(account=account, reminders=False)
    outbox.advance(told.pk, now=lambda: NOW + timedelta(hours=3), later=lambda *_: None)
    told.refresh_from_db()
    assert (told.status, told.problem) == ("void", "reminders are turned off")


def test_the_pages_of_who_writes_and_of_who_is_written_about(house):
    visit = a_visit(house)
    account = Account.objects.create_account("0905000001", role="citizen", name="Hạnh")
    account.links.create(patient_id="p1", relation="ban-than")
    browser = Client()
    browser.force_login(account)
    url = f"/dat-kham/danh-gia/lan-kham/{visit}/"
    assert url in browser.get(f"/so/lan-kham/{visit}/").content.decode()
    assert browser.get(url).status_code == 200
    assert browser.post(url, {"words": "x"}).status_code == 422
    refused = browser.post(url, {"stars": "3", "words": "Gọi 0905123456"})
    assert (refused.status_code, "Gọi 0905123456" in refused.content.decode()) == (409, True)
    done = browser.post(url, {"stars": "3", "hoi-listened": "partly", "words": "Tạm\nđược"})
    assert (done.status_code, done["Location"]) == (302, f"/so/lan-kham/{visit}/")
    made = Rating.objects.get()
    assert (made.stars, made.answers, made.words) == (3, {"listened": "partly"}, "Tạm được")
    again = browser.get(url).content.decode()
    assert "Lưu đánh giá đã sửa" in again
    assert browser.get(f"/dat-kham/danh-gia/{made.key}/").status_code == 404

    def staff(name: str, role: str, practitioner: str = "") -> Client:
        made_ = Account.objects.create_account(
            name, role=role, name=name, facility=HOSPITAL, practitioner=practitioner
        )
        seat = Client()
        seat.force_login(made_)
        return seat

    doctor, admin = staff("bs.khoi", "doctor", "bs"), staff("qt", "facility_administrator")
    page = doctor.get("/dat-kham/danh-gia/").content.decode()
    assert "Tạm được" in page
    assert "tháng 11/2026" in page
    for hidden in ("Hạnh", "p1", visit, made.response_id, "23/11"):
        assert hidden not in page.split("<main")[1].split("</main")[0]
    one = f"/dat-kham/danh-gia/{made.key}/"
    assert doctor.post(one, {"reason": "other"}).status_code == 422
    assert doctor.post(one, {"reason": "untrue", "note": "Có bệnh án"})["Location"] == "/dat-kham/danh-gia/"
    assert "Có bệnh án" in admin.get(one).content.decode()
    assert admin.post(one, {"version": "1", "decision": "hide", "why": ""}).status_code == 422
    assert admin.post(one, {"version": "1", "decision": "hide", "why": "Có giấy tờ"}).status_code == 302
    assert "Lý do: Có giấy tờ" in browser.get(url).content.decode()
    assert staff("bs.la", "doctor", "bs-9").get(one).status_code == 404
    assert doctor.get("/dat-kham/danh-gia/khong-phai/").status_code == 404


def test_what_is_decided_of_words_that_were_changed_meanwhile_is_of_the_new_words(house):
    visit = a_visit(house)
    key = str(say(house, visit, 1, "Bác sĩ dở").key)
    actions.dispute(opened(house, DOCTOR), key, reason="insult")
    say(house, visit, 1, "Khám vội quá")
    actions.decide(opened(house, ADMIN), key, keep=True, why="Chê, không chửi", version=2)
    assert actions.dispute(opened(house, DOCTOR), key, reason="insult").key == "rating.kept-already"
    assert Rating.objects.get().disputes.get(version=2).why == "Chê, không chửi", "the writer reads why"


def test_a_visit_entered_in_error_is_taken_out_of_the_figures(house):
    ratings = said_by_five(house)
    record = opened(house)
    assert keeping.look_again(record) == 0
    wrong = record.read(Encounter, ratings[0].encounter_id)
    wrong.status = "entered-in-error"
    record.update(wrong)
    assert keeping.look_again(record) == 1
    assert keeping.figures(record, ["vt"])["vt"] == Figures(4, 18)


def test_the_demo_s_people_have_rated_their_visits_but_not_the_reader_s(house):
    for person in ("p1", "p2", "p3", "p4", "p5", "p6"):
        a_visit(house, person)
        a_visit(house, person)
    demo.load(opened(house))
    assert Rating.objects.count() == keeping.figures(opened(house), ["vt"])["vt"].count == demo.EACH
    made = Rating.objects.first()
    assert made is not None
    assert made.writer == f"demo-{made.patient_id}"
    assert all(rules.words_refusal(one.words, names=()) is None for one in Rating.objects.all())
