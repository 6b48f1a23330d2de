"""What waited on a device: only from the account that wrote it, and only done where the view says so."""

from __future__ import annotations

import json

import pytest
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.fallback import FallbackStorage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.test import RequestFactory

from yba.site.accounts.models import Account
from yba.ui import keeping, waited

pytestmark = pytest.mark.django_db


def an_account() -> Account:
    return Account.objects.create_account("0905000111", role="citizen", name="Nguyễn Thị Hạnh")


def sent(view: waited.Handler, *, by: str | None, user: Account | AnonymousUser) -> HttpResponse:
    """A form sent by whoever is signed in as ``user``, written under the key ``by``."""
    request = RequestFactory().post("/x", headers={} if by is None else {waited.SENT_BY: by})
    request.user, request.session = user, {}  # type: ignore[assignment]  # what the middlewares ahead have set
    request._messages = FallbackStorage(request)  # type: ignore[attr-defined]  # as their middleware does
    return waited.answers(view)(request)


def done(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Đã hủy.")
    return waited.taken(redirect("/phieu/1"))


def led_elsewhere(request: HttpRequest) -> HttpResponse:
    messages.warning(request, "Trễ quá.")
    return redirect("/phieu/1")


def key_of(user: Account) -> str:
    request = RequestFactory().get("/")
    request.user = user
    return keeping.key_of(request)


def test_done_is_what_the_view_says_is_done() -> None:
    user = an_account()
    key = key_of(user)
    answer = sent(done, by=key, user=user)
    assert json.loads(answer.content) == {"state": "done", "said": "Đã hủy.", "url": "/phieu/1"}
    answer = sent(led_elsewhere, by=key, user=user)
    assert json.loads(answer.content) == {"state": "refused", "said": "Trễ quá.", "url": "/phieu/1"}
    assert sent(lambda _request: HttpResponse("<p>", status=409), by=key, user=user).content == b"<p>"


def test_nothing_runs_under_another_account_or_under_none() -> None:
    user, other = an_account(), Account.objects.create_account("0905000112", role="citizen")

    def never(_request: HttpRequest) -> HttpResponse:
        raise AssertionError("run")

    for there in (other, AnonymousUser()):
        answer = sent(never, by=key_of(user), user=there)
        assert (answer.status_code, json.loads(answer.content)) == (409, {"state": "waiting"})
    assert sent(never, by="", user=AnonymousUser()).status_code == 409


def test_an_ordinary_form_is_answered_as_ever() -> None:
    answer = sent(done, by=None, user=an_account())
    assert (answer.status_code, answer["Location"]) == (302, "/phieu/1")
