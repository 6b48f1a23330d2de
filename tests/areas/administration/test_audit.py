"""The auditors' pages by the browser's way in: filters, pages, one act, the file, alerts and their judgement."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.areas.administration.test_privacy import signed_in
from tests.books import HOUSE, Book
from tests.builders import as_owner
from yba.areas.administration.audit import queries
from yba.areas.administration.audit.pages import RULES
from yba.fhir.access import Actor
from yba.fhir.audit import alerts as watching
from yba.fhir.audit.alerts import Rule, Rules
from yba.fhir.store.audit import act_of, write_acts
from yba.site.accounts.models import Account

LOG = "/quan-tri/nhat-ky/"
ALERTS = f"{LOG}canh-bao/"
DOCTOR = Actor(
    user="7700", role="doctor", name="BS. Trần Đức", facility=HOUSE, practitioner="bs-duc", address="10.0.0.9"
)


@pytest.fixture
def auditor(client: Client, book: Book) -> Client:
    return signed_in(client, "auditor")


def noted(book: Book, act: str = "read", *, minutes: float = 0, actor: Actor = DOCTOR, **said: Any) -> int:
    told = {"type": "Patient", "id": book.own.id, "version": 1, "patient": book.own.id, **said}
    at = book.record.clock() + timedelta(minutes=minutes)
    write_acts(book.record.connection, [act_of(actor, act, at, **told)])
    row = book.record.connection.execute("select max(seq) from record.audit").fetchone()
    assert row is not None
    return int(row[0])


def rows(auditor: Client, **asked: str) -> list[str]:
    """The words of each line of the log."""
    answer = auditor.get(LOG, asked)
    assert answer.status_code == 200
    found = re.findall(r"<tr data-row>(.*?)</tr>", answer.content.decode(), re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in found]


def test_a_line_says_who_whose_what_where(auditor: Client, book: Book) -> None:
    noted(book, "print", type="Encounter", id="e-1")
    (line,) = rows(auditor, nguoi="7700")
    assert line.endswith("BS. Trần Đức Bác sĩ In lần khám Nguyễn Thị Hạnh được")


def test_another_facility_that_touched_what_is_kept_here_is_named(auditor: Client, book: Book) -> None:
    noted(book, facility=HOUSE, actor=Actor(user="7701", role="nurse", name="ĐD. Hoa", facility="co-so-9"))
    (line,) = rows(auditor, nguoi="7701")
    assert "ĐD. Hoa Điều dưỡng, co-so-9 Đọc" in line


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"nguoi": "trần đức"}, 3), ({"nguoi": "tran duc"}, 3), ({"nguoi": "7700"}, 3), ({"nguoi": "ai khác"}, 0),
        ({"so": "Nguyễn Thị Hạnh"}, 2), ({"so": "046158005555"}, 2), ({"so": "Lê Văn Hùng"}, 1),
        ({"so": "Không Ai"}, 0),
        ({"viec": "read"}, 1), ({"viec": "update"}, 1), ({"viec": "refused"}, 1), ({"viec": "print"}, 0),
        ({"loai": "Patient"}, 2), ({"loai": "Condition"}, 1), ({"vai_tro": "doctor"}, 3), ({"vai_tro": "nurse"}, 0),
        ({"ket_qua": "4"}, 1), ({"ket_qua": "0"}, 2), ({"dia_chi": "10.0.0"}, 3), ({"dia_chi": "11"}, 0),
        ({"tu": "01/01/2020"}, 3), ({"den": "01/01/2020"}, 0), ({"viec": "read", "so": "Nguyễn Thị Hạnh"}, 1),
    ],
)  # fmt: skip
def test_each_filter_finds_what_it_says(
    auditor: Client, book: Book, asked: dict[str, str], count: int
) -> None:
    noted(book)
    noted(book, "update", type="Condition", id="c-1")
    noted(book, "refused", outcome="refused", patient=book.husband.id, id=book.husband.id)
    found = [one for one in rows(auditor, **{"nguoi": "7700", **asked}) if "Trần Đức" in one]
    assert len(found) == count


def test_another_facility_sees_nothing_of_it(client: Client, book: Book) -> None:
    number = noted(book)
    elsewhere = signed_in(client, "auditor", facility="co-so-2")
    assert rows(elsewhere, nguoi="7700") == []
    assert elsewhere.get(f"{LOG}dong/{number}/").status_code == 404


@pytest.mark.parametrize("role", ["doctor", "nurse", "records_office", "citizen", "receptionist"])
@pytest.mark.parametrize("page", ["", "xuat.csv", "dong/1/", "canh-bao/", "canh-bao/1/"])
def test_others_do_not_find_the_pages(client: Client, book: Book, role: str, page: str) -> None:
    assert signed_in(client, role).get(LOG + page).status_code == 404


def test_what_cannot_be_read_is_said_at_its_field(auditor: Client) -> None:
    answer = auditor.get(LOG, {"tu": "hôm qua"})
    assert answer.status_code == 422
    assert auditor.get(LOG, {"viec": "bay"}).status_code == 422
    assert "Chưa tìm được" in auditor.get(LOG, {"tiep": "abc"}).content.decode()


def test_empty_states(auditor: Client, book: Book) -> None:
    assert "Không có dòng nào như vậy" in auditor.get(LOG, {"nguoi": "999999"}).content.decode()
    assert "Không có cảnh báo nào" in auditor.get(ALERTS).content.decode()


def test_pages_go_on_to_the_oldest(auditor: Client, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    for n in range(5):
        noted(book, minutes=n)
    seen, address = 0, f"{LOG}?nguoi=7700"
    for expected in (2, 2, 1):
        text = auditor.get(address).content.decode()
        seen += text.count("<tr data-row>")
        assert text.count("<tr data-row>") == expected
        assert "5 dòng" in text
        following = re.findall(r'href="(/quan-tri/nhat-ky/\?[^"]*tiep=[^"]*)"', text)
        address = following[0].replace("&amp;", "&") if following else ""
    assert (seen, address) == (5, "")


def test_one_act_shows_all_that_is_kept(auditor: Client, book: Book) -> None:
    number = noted(book, "search", id=None, version=None, patient=None, patients=[book.own.id, book.husband.id],
                   answered=2, detail="name=<b>")  # fmt: skip
    text = auditor.get(f"{LOG}dong/{number}/").content.decode()
    for words in (
        "BS. Trần Đức",
        "10.0.0.9",
        "name=&lt;b&gt;",
        "Nguyễn Thị Hạnh",
        "Lê Văn Hùng",
        book.own.id or "",
    ):
        assert words in text


def test_the_file_holds_what_the_filters_find_and_no_formula(auditor: Client, book: Book) -> None:
    noted(book, detail="=HYPERLINK(1)")
    noted(book, "print", minutes=1)
    answer = auditor.get(f"{LOG}xuat.csv", {"nguoi": "7700"})
    assert answer["Content-Disposition"] == 'attachment; filename="nhat-ky.csv"'
    heads, first, second = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert heads[2:8] == ["Ai", "Tài khoản", "Vai trò", "Cơ sở", "Việc", "Kết quả"]
    assert first[2:8] == ["BS. Trần Đức", "7700", "Bác sĩ", "Bệnh viện Hương Giang", "In", "được"]
    assert second[13] == "'=HYPERLINK(1)"
    assert second[10] == "Nguyễn Thị Hạnh"


def test_a_file_that_would_be_too_large_is_refused_whole(
    auditor: Client, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_EXPORTED", 2)
    for _ in range(3):
        noted(book)
    answer = auditor.get(f"{LOG}xuat.csv", {"nguoi": "7700"}, follow=True)
    assert "Nhiều quá" in answer.content.decode()


def test_to_look_and_to_export_is_in_the_audit(auditor: Client, book: Book) -> None:
    noted(book)
    account = Account.objects.get(login=f"auditor-{HOUSE}")
    auditor.get(LOG, {"nguoi": "7700"})
    auditor.get(f"{LOG}xuat.csv", {"nguoi": "7700"})
    auditor.get(ALERTS)
    found = book.record.connection.execute(
        "select act::varchar, detail::varchar from record.audit where actor = %s order by seq",
        (str(account.pk),),
    ).fetchall()
    assert found == [("audit", "altid=7700"), ("export", "altid=7700"), ("audit", "alerts all")]


# -- alerts ------------------------------------------------------------------------------------------------


def alerted(book: Book, *, facility: str = HOUSE) -> int:
    with as_owner(book.record.connection) as connection:
        row = connection.execute(
            "insert into record.audit_alert"
            " (rule, key, found, since, until, actor, name, role, facility, patient, count)"
            " values ('vip', %s, now(), now() - interval '1 hour', now() + interval '1 hour', '7700', 'BS. Trần Đức',"
            " 'doctor', %s, %s, 1) returning number",
            (f"7700|{facility}", facility, book.own.id),
        ).fetchone()
    assert row is not None
    return int(row[0])


def state_of(book: Book, number: int) -> tuple[Any, ...]:
    query = "select state::varchar, note::varchar, judge::varchar from record.audit_alert where number = %s"
    row = book.record.connection.execute(query, (number,)).fetchone()
    assert row is not None
    return tuple(row)


def test_an_alert_is_seen_then_explained_once(auditor: Client, book: Book) -> None:
    number = alerted(book)
    noted(book)
    assert "Mở sổ của người cần bảo vệ riêng" in auditor.get(ALERTS).content.decode()
    text = auditor.get(f"{ALERTS}{number}/").content.decode()
    assert "Nguyễn Thị Hạnh" in text
    assert text.count("<tr data-row>") == 1
    assert auditor.post(f"{ALERTS}{number}/", {"act": "seen"}).status_code == 302
    assert state_of(book, number) == ("seen", None, "Lưu Trữ")
    assert auditor.post(f"{ALERTS}{number}/", {"act": "explain", "note": "ok"}).status_code == 422
    assert (
        auditor.post(f"{ALERTS}{number}/", {"act": "explain", "note": "Trực cấp cứu, đã hỏi."}).status_code
        == 302
    )
    assert state_of(book, number) == ("explained", "Trực cấp cứu, đã hỏi.", "Lưu Trữ")
    again = auditor.post(f"{ALERTS}{number}/", {"act": "explain", "note": "Lời khác hẳn."})
    assert again.status_code == 422
    assert "Người khác vừa giải thích" in again.content.decode()
    assert state_of(book, number)[1] == "Trực cấp cứu, đã hỏi."
    assert auditor.post(f"{ALERTS}{number}/", {"act": "bay"}).status_code == 404
    found = book.record.connection.execute(
        "select detail::varchar from record.audit where act = 'alert' order by seq"
    ).fetchall()
    assert [row[0] for row in found] == [f"alert {number} vip: seen", f"alert {number} vip: explained"]


def test_alerts_by_state(auditor: Client, book: Book) -> None:
    number = alerted(book)
    for state, count in (("new", 1), ("seen", 0), ("explained", 0)):
        assert auditor.get(ALERTS, {"trang_thai": state}).content.decode().count("<tr data-row>") == count
    assert auditor.get(ALERTS, {"trang_thai": "x"}).status_code == 404
    assert auditor.get(ALERTS, {"truoc": "x"}).status_code == 404
    assert auditor.get(ALERTS, {"truoc": str(number)}).content.decode().count("<tr data-row>") == 0


def test_alerts_of_another_facility_are_not_there(auditor: Client, book: Book) -> None:
    number = alerted(book, facility="co-so-2")
    assert "Không có cảnh báo nào" in auditor.get(ALERTS).content.decode()
    assert auditor.get(f"{ALERTS}{number}/").status_code == 404
    assert auditor.post(f"{ALERTS}{number}/", {"act": "seen"}).status_code == 404
    assert state_of(book, number)[0] == "new"


def test_what_the_rules_find_is_on_the_page(auditor: Client, book: Book, own_database: str) -> None:
    rules = Rules(("doctor",), (Rule(key="night", kind="night", more_than=0, from_=0, until=24),))
    assert rules.rules[0].key in RULES
    assert {one.key for one in watching.packaged().rules} == RULES.keys()


def test_the_menu_leads_there(auditor: Client, book: Book) -> None:
    assert f'href="{LOG}"' in auditor.get(LOG).content.decode()
    assert f'href="{ALERTS}"' in auditor.get(LOG).content.decode()


def test_a_page_costs_the_same_queries_for_one_and_for_thirty(
    auditor: Client, book: Book, django_assert_max_num_queries: Any
) -> None:
    noted(book)
    auditor.get(LOG, {"nguoi": "7700"})
    with django_assert_max_num_queries(40) as one:
        auditor.get(LOG, {"nguoi": "7700"})
    for n in range(29):
        noted(book, minutes=n)
    with django_assert_max_num_queries(len(one.captured_queries)):
        assert len(rows(auditor, nguoi="7700")) == 30
