"""First help by the browser's way in: for anybody, without script, without a trace; kept only when chosen."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils.translation import trans_real

from tests.areas.booking import province
from yba import fhir
from yba.areas.firsthelp import rules
from yba.areas.firsthelp.data import book
from yba.care import people
from yba.care.free_times import EMERGENCY_SERVICE
from yba.fhir.access import Actor
from yba.fhir.access.consent import sharing
from yba.fhir.errors import NotFound
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Reference
from yba.fhir.r4.healthcare_service import HealthcareService
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.questionnaire_response import QuestionnaireResponse
from yba.site import setup
from yba.site.accounts.models import Account

START, ASK, KEEP, KEPT = (
    "/hoi-trieu-chung/",
    "/hoi-trieu-chung/tiep",
    "/hoi-trieu-chung/giu",
    "/hoi-trieu-chung/da-giu",
)


def hidden(answer: Any, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.content.decode())
    assert found is not None, name
    return found[1]


def answered(client: Client, answer: Any, *chosen: str, **more: str) -> Any:
    return client.post(
        ASK, {"token": hidden(answer, "token"), "screen": hidden(answer, "screen"), "chosen": chosen, **more}
    )


def led(client: Client, text: str, *, age: str = "16-39", sex: str = "male", **said: tuple[str, ...]) -> Any:
    """To the result: what is not in ``said`` (by screen, ``_`` for ``:``) is none of these, or the first choice."""
    answer = client.get(START)
    for _step in range(40):
        if 'name="screen"' not in answer.content.decode():
            return answer
        screen = hidden(answer, "screen")
        if screen == "words":
            answer = answered(client, answer, words=text)
            continue
        default = {"age": (age,), "sex": (sex,), "pregnancy": ("no",)}.get(
            screen, ("0",) if screen.startswith("question") else ("none",)
        )
        answer = answered(client, answer, *said.get(screen.replace(":", "_"), default))
    raise AssertionError("the questions do not end")


def words_of(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_anybody_begins_with_115_and_the_signs_of_danger(client: Client, db: None) -> None:
    answer = client.get(START)
    assert answer.status_code == 200
    assert 'href="tel:115"' in answer.content.decode()
    assert hidden(answer, "screen") == "danger"
    assert "không phải bác sĩ" in words_of(answer)
    assert "Bản 1, xem lại ngày 23/11/2026" in words_of(answer)


def test_a_sign_of_danger_leads_at_once_to_115(client: Client, db: None) -> None:
    answer = answered(client, client.get(START), "chest-pressure")
    page = answer.content.decode()
    assert "Cấp cứu ngay" in words_of(answer)
    assert page.index('href="tel:115"') < page.index("Vì sao")
    assert 'name="screen"' not in page
    assert "booking" not in page


def test_what_is_typed_is_asked_back_and_goes_no_further(client: Client, db: None) -> None:
    answer = client.get(START)
    for chosen in ("none", "16-39", "male"):
        answer = answered(client, answer, chosen)
    answer = answered(client, answer, words="hom qua toi Nguyễn Văn Riêng bi dau hong, khong sot")
    assert hidden(answer, "screen") == "confirm"
    assert "Đau họng" in words_of(answer)
    assert 'value="fever"' not in answer.content.decode()
    assert "Riêng" not in answer.content.decode()


def test_a_cold_is_cared_for_at_home_and_leads_to_booking(client: Client, db: None) -> None:
    answer = led(client, "sổ mũi hắt hơi", confirm=("runny-nose",))
    assert "Tự chăm sóc tại nhà" in words_of(answer)
    assert 'href="/dat-kham/?khoa=tai-mui-hong"' in answer.content.decode()
    assert "Gọi 115 ngay nếu xuất hiện" in words_of(answer)


def test_words_that_are_not_understood_lead_to_the_list(client: Client, db: None) -> None:
    answer = client.get(START)
    for chosen in ("none", "2-5", "female"):
        answer = answered(client, answer, chosen)
    answer = answered(client, answer, words="trời ơi là trời")
    assert hidden(answer, "screen") == "complaint"
    assert "Trẻ sốt" in words_of(answer)
    assert "Người lớn sốt" not in words_of(answer)
    assert "Cha mẹ hoặc người chăm trả lời thay cho bé" in words_of(answer)


def test_a_child_with_fever_and_a_fit_is_an_emergency(client: Client, db: None) -> None:
    answer = led(
        client,
        "sốt",
        age="2-5",
        confirm=("fever",),
        flags_fever_child=("seizure",),
        **{"flags_fever-child": ("seizure",)},
    )
    assert "Cấp cứu ngay" in words_of(answer)


def test_an_answer_is_wanted_and_nothing_is_lost(client: Client, db: None) -> None:
    answer = answered(client, client.get(START))
    assert answer.status_code == 422
    assert "Chọn một câu trả lời để đi tiếp." in words_of(answer)
    assert hidden(answer, "screen") == "danger"


def test_one_goes_back_a_question_but_not_behind_a_result(client: Client, db: None) -> None:
    second = answered(client, client.get(START), "none")
    assert hidden(second, "screen") == "age"
    back = client.post(ASK, {"token": hidden(second, "token"), "screen": "age", "back": "1"})
    assert hidden(back, "screen") == "danger"
    result = answered(client, client.get(START), "one-side-weak")
    assert 'name="back"' not in result.content.decode()


@pytest.mark.parametrize("token", ["abc", "x" * 30_000, "eyJhIjoxfQ:1abc:def"])
def test_a_token_that_is_not_ours_begins_anew(client: Client, db: None, token: str) -> None:
    answer = client.post(ASK, {"token": token, "screen": "age", "chosen": ["16-39"]})
    assert answer.status_code == 422
    assert hidden(answer, "screen") == "danger"
    assert "Bắt đầu lại từ câu đầu" in words_of(answer)


def test_an_answer_cannot_be_dropped_from_the_token(client: Client, db: None) -> None:
    token = hidden(answered(client, client.get(START), "none"), "token")
    forged = token[:6] + ("A" if token[6] != "A" else "B") + token[7:]
    assert client.post(ASK, {"token": forged, "screen": "age", "chosen": ["65"]}).status_code == 422


def test_an_old_page_sent_again_takes_nothing_back(client: Client, db: None) -> None:
    first = client.get(START)
    second = answered(client, first, "none")
    again = client.post(ASK, {"token": hidden(second, "token"), "screen": "danger", "chosen": ["none"]})
    assert hidden(again, "screen") == "age"


def test_forms_need_their_csrf_token(db: None) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(ASK, {"token": "", "screen": "danger", "chosen": ["none"]}).status_code == 403


def test_nothing_is_stored_or_logged_or_put_in_an_address(
    client: Client, record: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = led(client, "đau lưng hôm qua", confirm=("back-pain",))
    assert answer.request["PATH_INFO"] == ASK
    assert answer.request["QUERY_STRING"] == ""
    assert "no-store" in answer.headers["Cache-Control"]
    assert Session.objects.count() == 0
    assert record.count(QuestionnaireResponse) == 0
    said = re.compile("lưng|back-pain|hoi-trieu-chung.*(chosen|words)")
    assert [one for one in caplog.messages if said.search(one)] == []


def test_english_is_complete(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    setup.compile_messages()
    monkeypatch.setattr(trans_real, "_translations", {})
    client.cookies["yba_language"] = "en"
    answer = led(client, "sore throat since yesterday", confirm=("throat",))
    shown = words_of(answer).partition("Skip to")[2] or words_of(answer)
    assert "Care for it at home" in shown
    assert re.search("[ạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹđ]", shown.replace("Y Bạ", "")) is None


@pytest.fixture
def citizen(client: Client, record: Any) -> Account:
    account = Account.objects.create_account("0905123456", role="citizen")
    client.force_login(account)
    client.post("/so/ho-so/", {
        "name": "Nguyễn Thị Hạnh", "birth_date": "05/09/1958", "sex": "female", "citizen_number": "046158001234",
        "address": "12 Bến Nghé Mới", "commune_text": "Phường Thuận Hóa, Thành phố Huế",
    })  # fmt: skip
    return account


def test_a_result_is_kept_only_when_chosen_and_once(client: Client, citizen: Account, record: Any) -> None:
    result = led(client, "đau lưng", age="65", sex="female", confirm=("back-pain",))
    assert record.count(QuestionnaireResponse) == 0
    (own,) = citizen.persons
    sent = {"token": hidden(result, "token"), "patient": own, "once": "a" * 32}
    for _again in range(2):
        assert client.post(KEEP, sent).headers["Location"] == KEPT
    (kept,) = record.find(QuestionnaireResponse)
    assert (kept.subject.reference, kept.status, kept.questionnaire) == (
        f"Patient/{own}", "completed", "https://yba.vn/fhir/Questionnaire/first-help|1",
    )  # fmt: skip
    values = {item.linkId: [one.valueCoding.code for one in item.answer] for item in kept.item}
    assert values == {
        "level": ["days"],
        "specialty": ["co-xuong-khop"],
        "about": ["back"],
        "finding": ["back-pain"],
    }
    page = client.get(KEPT)
    assert "Khám trong vài ngày tới" in words_of(page)
    assert "Nguyễn Thị Hạnh" in words_of(page)


def test_what_touches_the_mind_is_kept_as_sensitive(client: Client, citizen: Account, record: Any) -> None:
    result = led(client, "buồn chán", age="65", sex="female", confirm=("sad",))
    client.post(
        KEEP, {"token": hidden(result, "token"), "patient": next(iter(citizen.persons)), "once": "b" * 32}
    )
    (kept,) = record.find(QuestionnaireResponse)
    assert [one.code for one in kept.meta.security] == ["PSY"]


#: What is typed and said, and what a result of it carries.
SENSITIVE: list[tuple[str, str, dict[str, tuple[str, ...]], list[str]]] = [
    ("rách bao", "16-39", {"confirm": ("hiv-exposure",)}, ["HIV", "SEX"]),
    ("đang hóa trị", "16-39", {"confirm": ("immune-low",)}, ["HIV"]),
    ("lậu", "16-39", {"confirm": ("sti",)}, ["SEX"]),
    ("thuốc tránh thai", "16-39", {"confirm": ("contraception",)}, ["SEX"]),
    ("huyết trắng", "40-64", {"confirm": ("discharge",)}, ["SEX"]),
    ("mệt", "12-15", {"pregnancy": ("early",), "confirm": ("tired",)}, ["SEX"]),
    ("đau lưng", "12-15", {"pregnancy": ("maybe",), "confirm": ("back-pain",)}, ["SEX"]),
    ("mất ngủ", "65", {"confirm": ("sleepless",)}, ["PSY"]),
    ("ăn không ngon", "16-39", {"confirm": ("list",), "complaint": ("mental",)}, ["PSY"]),
    ("chồng đánh", "16-39", {"confirm": ("assault",), "flags:violence": ("suicide-now",)}, ["PSY", "SDV"]),
]


@pytest.mark.parametrize(("text", "age", "said", "codes"), SENSITIVE, ids=[one[0] for one in SENSITIVE])
def test_a_relative_who_helps_does_not_see_a_sensitive_result(
    client: Client, citizen: Account, record: Any, text: str, age: str, said: dict[str, Any], codes: list[str]
) -> None:
    (own,) = citizen.persons
    son = record.create(people.new_patient(name="Trần Văn Nam", birth_date="1985-01-01", sex="male"))
    recipient = Reference(reference=f"Patient/{son.id}")
    record.create(sharing(own, [recipient], now=record.clock(), purposes=()))
    results = [
        led(client, "đau lưng", age="65", sex="female", confirm=("back-pain",)),
        led(
            client,
            text,
            age=age,
            sex="female",
            **{one.replace(":", "_"): given for one, given in said.items()},
        ),
    ]
    for number, result in enumerate(results):
        sent = {"token": hidden(result, "token"), "patient": own, "once": str(number) * 32}
        assert client.post(KEEP, sent).headers["Location"] == KEPT
    back, kept = sorted(record.find(QuestionnaireResponse), key=lambda one: bool(one.meta.security))
    assert [one.code for one in kept.meta.security] == codes
    helper = fhir.open(record.connection, actor=Actor(user="nam", role="citizen", person=son.id))
    assert [one.id for one in helper.find(QuestionnaireResponse)] == [back.id]
    with pytest.raises(NotFound):
        helper.read(QuestionnaireResponse, kept.id or "")
    herself = fhir.open(record.connection, actor=Actor(user="hanh", role="citizen", person=own))
    assert {one.id for one in herself.find(QuestionnaireResponse)} == {back.id, kept.id}


def test_a_grown_woman_may_be_helped_when_she_is_pregnant() -> None:
    facts = frozenset({"female", "age.adult", "pregnant", "tired"})
    assert rules.labels_of(book(), facts) == ()
    assert rules.labels_of(book(), facts - {"age.adult"} | {"age.child"}) == ("SEX",)


def test_nobody_keeps_in_anothers_book(client: Client, citizen: Account, record: Any) -> None:
    other = record.create(people.new_patient(name="Trần Văn Xa", birth_date="1980-01-01", sex="male"))
    result = led(client, "đau lưng", confirm=("back-pain",))
    answer = client.post(KEEP, {"token": hidden(result, "token"), "patient": other.id, "once": "c" * 32})
    assert answer.status_code == 404
    assert record.count(QuestionnaireResponse) == 0


def test_strangers_do_not_keep(client: Client, db: None) -> None:
    result = led(client, "đau lưng", confirm=("back-pain",))
    assert "Giữ kết quả" not in words_of(result)
    answer = client.post(KEEP, {"token": "x", "patient": "x", "once": "d" * 32})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/vao")


@pytest.fixture
def hospital(record: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hospital with free times tomorrow, and an emergency department."""
    from django.db import connection

    opened = province.opened(connection)
    province.build(opened)
    monkeypatch.setattr("yba.ui.requests.now", province.clock)
    system, code = EMERGENCY_SERVICE
    record.create(
        HealthcareService(
            active=True, name="Cấp cứu", providedBy=Reference(reference=f"Organization/{province.HOSPITAL}"),
            category=[CodeableConcept(coding=[Coding(system=system, code=code)])],
        )
    )  # fmt: skip


def test_the_next_free_times_are_shown_to_anybody(client: Client, hospital: None, record: Any) -> None:
    answer = led(client, "hồi hộp đánh trống ngực", confirm=("palpitations",))
    assert "Khám trong vài ngày tới" in words_of(answer)
    links = re.findall(r'href="(/dat-kham/bac-si/vt/\?gio=[^"]+)"', answer.content.decode())
    assert len(links) == 3
    assert "BS. CKII Trần Minh Khôi" in words_of(answer)


def test_an_emergency_shows_where_it_is_taken_in(client: Client, hospital: None) -> None:
    answer = answered(client, client.get(START), "poison")
    assert "Nơi nhận cấp cứu" in words_of(answer)
    assert "Bệnh viện Đa khoa Hương Giang" in words_of(answer)
    assert 'href="tel:02343555017"' in answer.content.decode()


def test_a_stranger_reads_nobodys_chart(record: Any) -> None:
    """The visitor's rights show doctors and hide persons, though there is one to be seen."""
    from yba import fhir
    from yba.areas.firsthelp.queries import VISITOR

    record.create(people.new_patient(name="Trần Văn Xa", birth_date="1980-01-01", sex="male"))
    visitor = fhir.open(record.connection, actor=VISITOR)
    assert record.count(Patient) == 1
    assert visitor.count(Patient) == 0


def test_someone_in_despair_is_shown_who_answers(client: Client, db: None) -> None:
    answer = answered(client, client.get(START), "suicide-now")
    page = answer.content.decode()
    assert "Cấp cứu ngay" in words_of(answer)
    assert 'href="tel:0963061414"' in page
    assert 'href="tel:111"' in page
