"""Every page that links lead to, of every role, as it is sent: guarded headers, and nothing in it that could run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from django.test import Client

from yba.site import demo
from yba.site.accounts import roles
from yba.site.accounts.models import Account

pytestmark = pytest.mark.slow

#: Pages of one kind are looked at a few times: with many rows and with few.
A_KIND = 2
MOST = 120


class Page(HTMLParser):
    """What of a page could run, and where it leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.runs: list[str] = []
        self.forms_without_token = 0
        self._form: list[bool] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if (tag == "script" and not given.get("src")) or tag in (
            "style",
            "iframe",
            "object",
            "embed",
            "base",
        ):
            self.runs.append(tag)
        for name, value in attrs:
            where = re.sub(r"[\s\x00-\x1f]", "", value or "").lower()
            if name == "style" or name.startswith(("on", "hx-on", "hx-vals")):
                self.runs.append(f"{tag} {name}")
            if name in ("href", "src", "action", "formaction", "hx-get", "hx-post") and where.startswith(
                ("javascript:", "data:", "vbscript:")
            ):
                self.runs.append(f"{tag} {name}={where[:30]}")
        if tag == "form":
            self._form.append((given.get("method") or "get").lower() == "post")
        if tag == "input" and given.get("name") == "csrfmiddlewaretoken" and self._form:
            self._form[-1] = False

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._form and self._form.pop():
            self.forms_without_token += 1


def kind_of(path: str) -> str:
    """An address without what names one thing."""
    return re.sub(
        r"/(?=[^/]*\d)[^/]{3,}|/\d+|/(vt|nb|p|bvdk|hg|pk|ttyt|tyt)-[^/]+", "/*", urlsplit(path).path
    )


@pytest.fixture(scope="module")
def province(databases: Any, template: str, test_database: str, django_db_blocker: Any) -> Iterator[None]:
    from django.db import connections

    from tests.conftest import _turn_django_to

    name = databases.new(template)
    with django_db_blocker.unblock():
        _turn_django_to(name)
        demo.load_once(say=lambda text: None)
        yield
        connections.close_all()
        _turn_django_to(test_database)
    databases.drop(name)


def pages(browser: Client) -> Iterator[tuple[str, Any]]:
    """Every kind of page from the home on."""
    seen: dict[str, int] = {}
    done: set[str] = set()
    waiting = ["/", "/design", "/ui/preferences", "/vao"]
    while waiting and len(done) < MOST:
        path = waiting.pop(0)
        if path in done or seen.get(kind_of(path), 0) >= A_KIND:
            continue
        done.add(path)
        answer = browser.get(path, follow=True)
        here = answer.redirect_chain[-1][0] if answer.redirect_chain else path
        done.add(here)
        seen[kind_of(path)] = seen.get(kind_of(path), 0) + 1
        yield here, answer
        if not answer["Content-Type"].startswith("text/html"):
            continue
        for link in Page(answer.content.decode()).links:
            there = urldefrag(urljoin(here, link))[0]
            if not urlsplit(there).scheme and there.startswith("/"):
                waiting.append(there)


STAFF = [role for role in roles.NAMES if role not in (roles.CITIZEN, roles.SYSTEM)]


@pytest.mark.parametrize("role", [None, roles.CITIZEN, *STAFF])
def test_no_page_runs_anything_of_its_own(province: None, role: str | None) -> None:
    browser = Client(raise_request_exception=True)
    if role is not None:
        account = Account.objects.filter(role=role, is_demo=True).order_by("pk").first()
        if account is None:
            account = Account.objects.create_account(
                f"thu-{role}", role=role, name="Người thử", facility="bvdk-huong-giang"
            )
        browser.force_login(account)
    found: list[str] = []
    count = 0
    for path, answer in pages(browser):
        count += 1
        if answer.status_code >= 500:
            found.append(f"{path}: {answer.status_code}")
        policy = answer.headers.get("Content-Security-Policy", "")
        if "script-src 'self'" not in policy and "sandbox" not in policy:
            found.append(f"{path}: policy {policy[:60]}")
        if "unsafe" in policy or answer.headers.get("X-Content-Type-Options") != "nosniff":
            found.append(f"{path}: headers")
        asset = path.startswith(("/ui/face", "/static/", "/ui/mark"))
        if "no-store" not in answer.headers.get("Cache-Control", "") and not asset:
            found.append(f"{path}: may be kept: {answer.headers.get('Cache-Control')}")
        if answer["Content-Type"].startswith("text/html"):
            page = Page(answer.content.decode())
            found += [f"{path}: {one}" for one in page.runs]
            if page.forms_without_token:
                found.append(f"{path}: a form without its token")
    assert found == []
    assert count >= {None: 4, roles.CITIZEN: 15, roles.DOCTOR: 4}.get(role, 3)


def test_the_test_sees_what_it_is_for() -> None:
    page = Page(
        '<p onclick="x" style="y"><script>1</script><a href=" java\nscript:x">z</a><form method="post"></form>'
        '<form method=post><input name="csrfmiddlewaretoken"></form><script src="/a.js"></script>'
    )
    assert page.runs == ["p onclick", "p style", "script", "a href=javascript:x"]
    assert page.forms_without_token == 1
