"""Consents over the record's own interface: what a person may write, and nobody else; previews hold."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.care.sharing.village import HIV, Village
from yba import fhir
from yba.care.identifiers import CCCD
from yba.care.messages.models import Message
from yba.care.sharing import emergency, giving, tables
from yba.care.sharing.models import Review
from yba.care.sharing.terms import Holder, Terms, read
from yba.fhir import errors, rest
from yba.fhir.access import Actor
from yba.fhir.access.consent import CATEGORY, KIN, sharing
from yba.fhir.access.seeing import rows_seen
from yba.fhir.model import codec
from yba.fhir.r4.consent import Consent, ConsentVerification
from yba.fhir.r4.datatypes import Attachment, CodeableConcept, Coding, Reference
from yba.fhir.r4.patient import Patient
from yba.site.accounts.models import Account
from yba.site.guards import guards
from yba.ui.words import local_day

B = Reference(reference="Organization/B")


def key_of(caught: Any) -> str:
    return str(caught.value.key)


def test_a_person_gives_and_withdraws_their_own(village: Village) -> None:
    own = village.by(village.hanh)
    made = own.create(sharing(village.own.id or "", [B], now=village.moment))
    assert village.sees(village.doctor, village.result)
    assert {
        one.id for one in village.doctor.search("Observation", [("patient", village.own.id or "")]).matches
    } == {village.result}
    made.status = "inactive"
    own.update(made)
    assert not village.sees(village.doctor, village.result)
    assert village.doctor.search("Observation", [("patient", village.own.id or "")]).matches == []
    included = village.doctor.search("Observation", [("_include", "Observation:subject")])
    assert [*included.matches, *included.included] == []


def test_a_consent_is_not_changed_and_does_not_come_back(village: Village) -> None:
    own = village.by(village.hanh)
    made = own.create(
        sharing(village.own.id or "", [B], now=village.moment, until=village.moment + timedelta(days=1))
    )
    assert made.provision is not None
    assert made.provision.period is not None
    kept, made.provision.period.end = made.provision.period.end, None
    with pytest.raises(errors.Invalid) as caught:
        own.update(made)
    assert key_of(caught) in ("consent.changed", "consent.status")
    made.provision.period.end, made.status = kept, "inactive"
    withdrawn = own.update(made)
    withdrawn.status = "active"
    with pytest.raises(errors.Invalid) as caught:
        own.update(withdrawn)
    assert key_of(caught) == "consent.status"
    assert not village.sees(village.doctor, village.result)


def test_in_nobody_elses_name(village: Village) -> None:
    own = village.by(village.hanh)
    made = sharing(village.own.id or "", [B], now=village.moment)
    made.performer = [Reference(reference=f"Patient/{village.hung.id}")]
    with pytest.raises(errors.Invalid) as caught:
        own.create(made)
    assert key_of(caught) == "consent.performer"
    with pytest.raises((errors.Forbidden, errors.NotFound)):
        own.create(sharing(village.hung.id or "", [B], now=village.moment))


def test_a_guardian_gives_a_childs_and_no_wider(village: Village) -> None:
    own, row = village.by(village.hanh), village.observation(village.na)
    made = sharing(village.na.id or "", [B], now=village.moment)
    made.performer = [Reference(reference=f"Patient/{village.own.id}")]
    with pytest.raises(errors.Invalid) as caught:  # at nine the child is asked
        own.create(made)
    assert key_of(caught) == "consent.assent"
    made.performer.append(Reference(reference=f"Patient/{village.na.id}"))
    labelled = sharing(village.na.id or "", [B], now=village.moment, labels=[HIV])
    labelled.performer = made.performer
    to_kin = sharing(
        village.na.id or "", [Reference(reference=f"Patient/{village.hung.id}")], now=village.moment
    )
    to_kin.performer = made.performer
    for wider in (labelled, to_kin):
        with pytest.raises(errors.Invalid) as caught:
            own.create(wider)
        assert key_of(caught) == "consent.wider"
    assert not village.sees(village.doctor, row)
    own.create(made)
    assert village.sees(village.doctor, row)


def test_not_by_a_child_nor_for_next_of_kin_nor_by_an_app(village: Village) -> None:
    child = village.by(village.account("0914000222", village.na))
    with pytest.raises(errors.Forbidden) as caught:
        child.create(sharing(village.na.id or "", [B], now=village.moment))
    assert key_of(caught) == "consent.minor"
    made = sharing(village.own.id or "", [B], now=village.moment)
    made.category = [CodeableConcept(coding=[Coding(system=CATEGORY, code=KIN)])]
    with pytest.raises(errors.Forbidden):
        village.by(village.hanh).create(made)


def test_not_by_staff(village: Village) -> None:
    village.visit(village.own)
    for role in (
        "doctor",
        "nurse",
        "receptionist",
        "customer_care",
        "auditor",
        "facility_administrator",
        "outside_system",
    ):
        account = Account.objects.create_account(f"x.{role}", role=role, facility="B", practitioner="d1")
        with pytest.raises((errors.Forbidden, errors.NotFound)):
            village.by(account).create(sharing(village.own.id or "", [B], now=village.moment))
    assert not village.sees(village.doctor, village.result)


def test_a_records_office_notes_a_paper_for_its_own_facility_only(village: Village) -> None:
    office = village.by(Account.objects.create_account("luutru", role="records_office", facility="B"))
    made = sharing(village.own.id or "", [B], now=village.moment)
    with pytest.raises(errors.Invalid) as caught:
        office.create(made)
    assert key_of(caught) == "consent.source"
    made.sourceAttachment = Attachment(contentType="application/pdf")  # of nothing
    with pytest.raises(errors.Invalid) as caught:
        office.create(made)
    assert key_of(caught) == "consent.source"
    made.sourceAttachment = Attachment(title="Phiếu đồng ý 12", contentType="application/pdf")
    with pytest.raises(errors.Invalid) as caught:
        office.create(made)
    assert key_of(caught) == "consent.verification"
    person = Reference(reference=f"Patient/{village.own.id}")
    day = village.moment.isoformat()
    for wrong in (
        ConsentVerification(verified=False, verifiedWith=person, verificationDate=day),
        ConsentVerification(verified=True, verificationDate=day),
        ConsentVerification(verified=True, verifiedWith=person),
        ConsentVerification(
            verified=True,
            verifiedWith=Reference(reference=f"Patient/{village.hung.id}"),
            verificationDate=day,
        ),
        ConsentVerification(
            verified=True,
            verifiedWith=person,
            verificationDate=(village.moment + timedelta(days=2)).isoformat(),
        ),
    ):
        made.verification = [wrong]
        with pytest.raises(errors.Invalid) as caught:
            office.create(made)
        assert key_of(caught) == "consent.verification"
    made.verification = [ConsentVerification(verified=True, verifiedWith=person, verificationDate=day)]
    made.performer = [Reference(reference=f"Patient/{village.hung.id}")]
    with pytest.raises(errors.Invalid) as caught:
        office.create(made)
    assert key_of(caught) == "consent.performer"
    made.performer = [person]
    made.provision.actor[0].reference = Reference(reference="Organization/C")  # type: ignore[union-attr]  # sharing makes it
    with pytest.raises(errors.Invalid) as caught:
        office.create(made)
    assert key_of(caught) == "consent.actor"
    made.provision.actor[0].reference = B  # type: ignore[union-attr]  # the same
    made.provision.securityLabel = [HIV]  # type: ignore[union-attr]  # the same
    with pytest.raises(errors.Invalid) as caught:
        office.create(made)
    assert key_of(caught) == "consent.labels"
    made.provision.securityLabel = []  # type: ignore[union-attr]  # the same
    assert not Review.objects.exists()
    kept = office.create(made)
    assert village.sees(village.doctor, village.result)
    told = Message.objects.get(kind="sharing.noted")
    assert told.to_phone == "0905123456"
    waits = Review.objects.get(consent=kept.id)
    assert (waits.reason, waits.words, waits.told, waits.state) == ("noted", "Phiếu đồng ý 12", 1, "waiting")
    assert waits.facility == "B"
    judge = Account.objects.create_account("kiemtoan", role="auditor", facility="B")
    browser = Client()
    browser.force_login(judge)
    listed = browser.get("/quan-tri/mo-cap-cuu/").content.decode()
    assert "Đồng ý trên giấy, do cơ sở ghi" in listed
    shown = browser.get(f"/quan-tri/mo-cap-cuu/{waits.pk}/").content.decode()
    for said in (
        "Giấy đã ký",
        "Phiếu đồng ý 12",
        "Cả sổ, trừ mục nhạy cảm",
        "thì lần đồng ý này bị rút ngay",
    ):
        assert said in shown
    assert "Mở lúc" not in shown
    auditor = village.by(judge)
    assert isinstance(
        emergency.judge(auditor, waits.pk, justified=False, note="Không có tờ giấy nào."), Review
    )
    assert not village.sees(village.doctor, village.result)
    assert village.record.read(Consent, kept.id or "").status == "inactive"


def test_what_staff_note_carries_no_label_whatever_it_says(village: Village) -> None:
    """By the record's own rule, also where no guard stands before it."""
    office = village.by(Account.objects.create_account("luutru", role="records_office", facility="B"))
    office.guards = {}
    office.create(sharing(village.own.id or "", [B], now=village.moment, labels=[HIV]))
    assert village.sees(village.doctor, village.result)
    assert not village.sees(village.doctor, village.hidden)


KEYS = [one.key for one in tables.parts() if not one.always]
TERMS = st.builds(
    Terms,
    holder=st.just(Holder("facility", "B", "Bệnh viện B")),
    purposes=st.just(("TREAT",)),
    parts=st.one_of(st.none(), st.lists(st.sampled_from(KEYS), min_size=1, unique=True).map(tuple)),
    until=st.just(None),
    sensitive=st.lists(st.sampled_from(["hiv", "mental"]), unique=True).map(tuple),
    occurred_from=st.one_of(st.none(), st.dates()),
    occurred_until=st.none(),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=TERMS)
def test_the_holder_then_sees_what_the_preview_said(village: Village, drawn: Terms) -> None:
    from dataclasses import replace

    chosen = replace(drawn, until=local_day(village.moment) + timedelta(days=5))
    own = village.by(village.hanh)
    before = _seen(village.doctor, village)
    shown = giving.preview(own, village.own.id or "", chosen)
    assert isinstance(shown, giving.Preview)
    assert _seen(village.doctor, village) == before
    made = giving.give(own, village.own.id or "", chosen, version="1")
    assert isinstance(made, Consent)
    after = _seen(village.doctor, village)
    assert {(one.type, one.id) for group in shown.groups for one in group.rows} == after - before
    back = read(made)
    assert back.parts is None or set(back.parts) == set(chosen.parts or KEYS)
    assert set(back.sensitive) == set(chosen.sensitive)
    giving.withdraw(own, made.id or "")
    assert _seen(village.doctor, village) == before


def _seen(doctor: fhir.Record, village: Village) -> set[tuple[str, str]]:
    """What a real doctor of the holder finds, asked by searching."""
    found = {("Patient", one.id or "") for one in doctor.find(Patient, ("_id", village.own.id or ""))}
    for kind in ("Observation", "Condition"):
        page = doctor.search(kind, [("patient", village.own.id or "")])
        found |= {(kind, one.id or "") for one in page.matches}
    assert {(one.type, one.id) for one in rows_seen(
        doctor.connection, [doctor.actor], village.own.id or "", now=village.moment, kinds=["Observation", "Condition"]
    )} == {one for one in found if one[0] != "Patient"}  # fmt: skip
    return found


def posted(village: Village, actor: Actor, consent: dict[str, Any]) -> tuple[int, Any]:
    """A Consent sent to /fhir by somebody, with the house's guards."""
    told: list[str] = []
    sent = json.dumps(consent).encode()
    silent: Any = type("Silent", (), {"add": lambda self, act: None})()
    application = rest.application(
        lambda: village.record.connection,
        lambda token: actor,
        guards(),
        base_url="http://t/fhir",
        journal=silent,
    )
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/Consent", "QUERY_STRING": "", "SCRIPT_NAME": "/fhir",
        "HTTP_AUTHORIZATION": "Bearer x", "wsgi.input": io.BytesIO(sent), "CONTENT_LENGTH": str(len(sent)),
        "CONTENT_TYPE": "application/fhir+json", "SERVER_NAME": "t", "SERVER_PORT": "80", "wsgi.url_scheme": "http",
    }  # fmt: skip
    answer = b"".join(application(environ, lambda status, headers, *_: told.append(status)))
    return int(told[0].split()[0]), json.loads(answer)


@pytest.mark.parametrize("role", ["system", "outside_system", "records_office", "citizen"])
@pytest.mark.parametrize(
    "named",
    [
        {"identifier": {"system": CCCD, "value": "046158005555"}},
        {"display": "Nguyễn Thị Hạnh"},
        {"reference": "https://noi-khac.vn/fhir/Patient/1"},
    ],
)
def test_a_consent_that_names_no_book_is_refused(village: Village, role: str, named: dict[str, Any]) -> None:
    made = json.loads(codec.encode(sharing(village.own.id or "", [B], now=village.moment)))
    actor = Actor(user="ai", role=role, facility="A", person=village.own.id if role == "citizen" else None)
    status, said = posted(village, actor, made | {"patient": named})
    (issue,) = said["issue"]
    if role == "system":
        assert (status, issue["details"]["coding"][0]["code"]) == (400, "consent.patient")
        assert issue["expression"] == ["Consent.patient"]
        assert "'Patient/<id>'" in issue["diagnostics"]
        assert posted(village, actor, made)[0] == 201
        assert village.sees(village.doctor, village.result)
    else:  # the door, which comes first, has no book to hold it to
        assert status in (400, 403)
        assert village.record.count(Consent) == 0
