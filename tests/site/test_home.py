"""The front door: everyone lands on a page of their role, and no entry leads nowhere."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory

from tests.builders import an_organization
from yba import fhir
from yba.site import navigation
from yba.site.accounts import roles
from yba.site.accounts.models import Account
from yba.ui.context import with_current

pytestmark = pytest.mark.django_db


def signed_in(role: str, **fields: str) -> Client:
    client = Client()
    client.force_login(Account.objects.create_account(f"test-{role}", role=role, name="Người thử", **fields))
    return client


def test_a_stranger_is_welcomed(client: Client) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert "Đăng nhập bằng số điện thoại" in answer.content.decode()


@pytest.mark.parametrize("role", [role for role in roles.NAMES if role != roles.SYSTEM])
def test_each_role_goes_to_its_first_page_that_exists(role: str) -> None:
    first = next(
        (url for name, _, _ in navigation.PAGES.get(role, []) if (url := navigation.address(name))), None
    )
    answer = signed_in(role, practitioner="bs-thu").get("/")
    if first is None:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer["Location"]) == (302, first)


@pytest.mark.parametrize("role", [roles.DOCTOR, roles.NURSE])
def test_who_treats_nobody_is_led_to_no_room(role: str) -> None:
    """An account that names no practitioner has no room and opens no chart: no page leads nowhere."""
    answer = signed_in(role).get("/")
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "/clinic/" not in text
    assert "Người thử" in text
    assert "nhờ quản trị của cơ sở" in text
    assert 'href="/tai-khoan/bao-mat"' in text


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/so/", "Hôm nay"),
        ("/so/trang/", "Sổ y bạ"),
        ("/so/lan-kham/kb-1/", "Sổ y bạ"),
        ("/so/ho-so/", "Hồ sơ"),
        ("/so/du-lieu/sua/", "Hồ sơ"),
        ("/so/chia-se/", "Hồ sơ"),
        ("/so/ai-da-mo/", "Hồ sơ"),
        ("/ung-dung/", "Hồ sơ"),
        ("/tai-khoan/so-dien-thoai", "Hồ sơ"),
        ("/dat-kham/lich-hen/", "Đặt khám"),
    ],
)
def test_the_tab_bar_shows_where_one_came_from(path: str, expected: str) -> None:
    request = RequestFactory().get(path)
    request.user = Account(role=roles.CITIZEN)
    assert [one.label for one in with_current(navigation.items(request), path) if one.current] == [expected]


def test_a_page_that_is_not_there_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(navigation.PAGES, roles.CASHIER, [("nowhere:page", "Không có", "x")])  # type: ignore[list-item]
    answer = signed_in(roles.CASHIER).get("/")
    assert answer.status_code == 200
    assert "Thu ngân" in answer.content.decode()


def test_the_facility_is_named(record: fhir.Record) -> None:
    record.update(an_organization("Phòng khám Thử", id="pk-thu"))
    navigation._names.clear()
    assert navigation._facility_name("pk-thu") == "Phòng khám Thử"
    assert navigation._facility_name("pk-khong-co") == ""


def test_health_answers(client: Client) -> None:
    assert client.get("/health").json() == {"status": "ok"}
