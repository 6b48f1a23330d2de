"""Opening an app from a page of ours: an opaque handle for one person, one app, one session, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from tests.builders import a_patient, an_organization
from tests.site.oauth.steps import FHIR, Steps, an_account, an_app, back
from yba.fhir.r4.consent import Consent
from yba.fhir.r4.datatypes import Coding, HumanName, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.practitioner import Practitioner
from yba.site.accounts.models import Account
from yba.site.oauth.bearer import actor_of_bearer
from yba.site.oauth.models import App, Connection, Launch

SCOPES = "openid fhirUser launch patient/Observation.rs user/Patient.rs"


@pytest.fixture
def facility(record: Any) -> str:
    return record.create(an_organization()).id


@pytest.fixture
def doctor(record: Any, facility: str) -> Account:
    practitioner = record.create(Practitioner(name=[HumanName(text="Trần Minh Khôi")])).id
    return an_account("doctor", "bs.thu", name="Trần Minh Khôi", facility=facility, practitioner=practitioner)


@pytest.fixture
def app(facility: str) -> App:
    return an_app(
        name="Đồ thị", for_citizens=False, for_staff=True, launch_url="https://app.example.vn/launch?v=1",
        scopes=f"{SCOPES} launch/patient launch/encounter offline_access online_access", intent="chart",
    )  # fmt: skip


@pytest.fixture
def desk(doctor: Account) -> Client:
    found = Client()
    found.force_login(doctor)
    return found


def a_visit(record: Any, patient: str, facility: str, **fields: Any) -> str:
    """A visit that is going on at the facility, as the door knows whose patients are whose."""
    from yba.fhir.access.policy import FACILITY_TAG
    from yba.fhir.r4.datatypes import Meta

    return record.create(
        Encounter(
            status="in-progress",
            class_=Coding(system="http://terminology.hl7.org/CodeSystem/v3-ActCode", code="AMB"),
            subject=Reference(reference=f"Patient/{patient}"),
            serviceProvider=Reference(reference=f"Organization/{facility}"),
            meta=Meta(tag=[Coding(system=FACILITY_TAG, code=facility)]),
            **fields,
        )
    ).id


@pytest.fixture
def visit(record: Any, person: str, facility: str) -> str:
    return a_visit(record, person, facility, appointment=[Reference(reference="Appointment/a1")])


def opened(desk: Client, app: App, **about: str) -> str:
    """The handle the app is opened with."""
    answer = desk.post(f"/ung-dung/mo/{app.client_id}", about)
    assert answer.status_code == 200, answer.status_code
    where = answer.context["page"].where
    assert where.startswith("https://app.example.vn/launch?v=1&")
    assert answer["Referrer-Policy"] == "no-referrer"
    query = parse_qs(urlsplit(where).query)
    assert query["iss"] == [FHIR]
    return query["launch"][0]


def test_a_doctor_opens_an_app_for_a_visit(
    desk: Client, doctor: Account, app: App, visit: str, person: str, record: Any
) -> None:
    page = desk.get("/ung-dung/mo", {"luot": visit})
    assert [card.name for card, _ in page.context["page"].cards] == ["Đồ thị"]
    handle = opened(desk, app, luot=visit)
    assert not {person, visit, str(doctor.pk)} & {handle}
    steps = Steps(app, desk)
    tokens = steps.tokens(scope=SCOPES, launch=handle)
    assert {
        name: tokens[name]
        for name in ("patient", "encounter", "need_patient_banner", "intent", "fhirContext")
    } == {
        "patient": person,
        "encounter": visit,
        "need_patient_banner": True,
        "intent": "chart",
        "fhirContext": [{"reference": "Appointment/a1"}],
    }
    found = actor_of_bearer(tokens["access_token"])
    assert found is not None
    assert (found.role, found.practitioner, found.launched) == ("doctor", doctor.practitioner, person)
    assert not record.find(Consent, ("patient", person))  # the doctor's rights, not the person's agreement


def test_the_second_time_nobody_is_asked_again(desk: Client, app: App, visit: str) -> None:
    steps = Steps(app, desk)
    steps.tokens(scope=SCOPES, launch=opened(desk, app, luot=visit))
    told = back(steps.ask(scope=SCOPES, launch=opened(desk, app, luot=visit)))
    assert steps.exchange(told["code"]).json()["encounter"] == visit
    assert steps.ask(scope=SCOPES, launch=opened(desk, app, luot=visit), prompt="consent").status_code == 200
    more = steps.ask(scope=SCOPES + " online_access", launch=opened(desk, app, luot=visit))
    assert more.status_code == 200
    assert Connection.objects.count() == 1


def test_a_handle_counts_once(desk: Client, app: App, visit: str) -> None:
    handle = opened(desk, app, luot=visit)
    steps = Steps(app, desk)
    steps.agree(scope=SCOPES, launch=handle)
    assert back(steps.ask(scope=SCOPES, launch=handle))["error"] == "invalid_request"


def test_a_handle_lives_for_minutes(desk: Client, app: App, visit: str) -> None:
    handle = opened(desk, app, luot=visit)
    Launch.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert back(Steps(app, desk).ask(scope=SCOPES, launch=handle))["error"] == "invalid_request"


def test_a_handle_is_no_good_to_another(
    desk: Client, doctor: Account, app: App, visit: str, facility: str
) -> None:
    handle = opened(desk, app, luot=visit)
    colleague = Client()
    colleague.force_login(an_account("doctor", "bs.khac", facility=facility, practitioner="p2"))
    elsewhere = Client()
    elsewhere.force_login(doctor)  # the same doctor, another session: somebody else's browser
    other_app = an_app(
        name="Kẻ khác", for_staff=True, for_citizens=False, launch_url="https://x.example.vn/", scopes=SCOPES
    )
    for steps in (Steps(app, colleague), Steps(app, elsewhere), Steps(other_app, desk)):
        assert back(steps.ask(scope=SCOPES, launch=handle))["error"] == "invalid_request"
    assert Steps(app, desk).ask(scope=SCOPES, launch=handle).status_code == 200
    row = Launch.objects.values().get(digest=Launch.objects.get().digest)
    assert handle not in {str(value) for value in row.values()}


def test_an_app_is_opened_only_for_whom_one_may_see(desk: Client, app: App, record: Any) -> None:
    stranger = record.create(a_patient("Phạm Xa Lạ", identifier=[])).id
    far = record.create(an_organization("Nơi khác", identifier=[])).id
    visit = a_visit(record, stranger, far)
    for about in ({"nguoi": stranger}, {"luot": visit}, {"luot": "none"}, {"nguoi": "none"}):
        assert desk.get("/ung-dung/mo", about).status_code == 404
        assert desk.post(f"/ung-dung/mo/{app.client_id}", about).status_code == 404
    assert not Launch.objects.exists()


def test_the_visit_says_whose_it_is(desk: Client, app: App, visit: str, person: str, child: str) -> None:
    """A person sent beside a visit of another is not believed."""
    handle = opened(desk, app, luot=visit, nguoi=child)
    assert Steps(app, desk).tokens(scope=SCOPES, launch=handle)["patient"] == person


def test_an_app_of_another_facility_is_not_offered(desk: Client, app: App, visit: str) -> None:
    App.objects.update(facility="elsewhere")
    assert desk.get("/ung-dung/mo", {"luot": visit}).context["page"].cards == []
    assert desk.post(f"/ung-dung/mo/{app.client_id}", {"luot": visit}).status_code == 404


def test_a_doctor_picks_whom_an_app_is_about(
    desk: Client, app: App, visit: str, person: str, record: Any
) -> None:
    stranger = record.create(a_patient("Nguyễn Thị Xa", identifier=[])).id
    scope = "launch/patient patient/Observation.rs"
    steps = Steps(app, desk)
    asked = steps.ask(scope=scope)
    assert asked.templates[0].name == "oauth/pick.html"
    page = desk.get("/oauth/authorize", {**steps.query(scope=scope), "tim": "nguyen thi"})
    assert [choice.id for choice, _ in page.context["page"].found] == [person]
    said = {"quyet": "cho", "phan": ["patient.ket-qua.see"]}
    answer = desk.get("/oauth/authorize", {**steps.query(scope=scope), "nguoi": person})
    assert answer.templates[0].name == "oauth/consent.html"
    told = back(steps.decide({**said, "nguoi": person}, scope=scope, nguoi=person))
    assert steps.exchange(told["code"]).json()["patient"] == person
    refused = steps.decide({**said, "nguoi": stranger}, scope=scope, nguoi=stranger)
    assert "Location" not in refused


def test_the_fhir_user_is_the_practitioner(desk: Client, doctor: Account, app: App, visit: str) -> None:
    tokens = Steps(app, desk).tokens(scope=SCOPES, launch=opened(desk, app, luot=visit))
    info = (
        Client().get("/oauth/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}).json()
    )
    assert info == {"sub": str(doctor.pk), "fhirUser": f"{FHIR}/Practitioner/{doctor.practitioner}"}


@pytest.mark.parametrize(
    "path",
    [
        "/ung-dung/mo?nguoi=a%00b",
        "/ung-dung/mo?luot=a%00b",
        "/ung-dung/mo?nguoi=%F0%9F%98%80",
        "/ung-dung/mo?luot=..",
    ],
)
def test_what_is_no_id_is_not_found(desk: Client, path: str) -> None:
    assert desk.get(path).status_code == 404


def test_what_nobody_types_finds_nobody(desk: Client, app: App, visit: str) -> None:
    steps = Steps(app, desk)
    scope = "launch/patient patient/Observation.rs"
    for extra in ({"tim": "a\x00b"}, {"nguoi": "a\x00b"}, {"nguoi": "../x"}):
        answer = desk.get("/oauth/authorize", {**steps.query(scope=scope), **extra})
        assert (answer.status_code, answer.templates[0].name) == (200, "oauth/pick.html")
    said = {"quyet": "cho", "phan": ["patient.ket-qua.see\x00"], "nguoi": "a\x00"}
    assert "Location" not in steps.decide(said, scope=scope)
