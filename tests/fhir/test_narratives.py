"""What could run in a reader's browser is not stored; what only looks like it is."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from yba import fhir
from yba.fhir.access import SYSTEM
from yba.fhir.errors import Invalid
from yba.fhir.model import codec

_DIV = '<div xmlns="http://www.w3.org/1999/xhtml">'


def store(connection: psycopg.Connection[Any], inside: str, **elements: Any) -> None:
    text = {"status": "generated", "div": f"{_DIV}{inside}</div>"}
    body = {"resourceType": "Patient", "text": text, **elements}
    fhir.open(connection, actor=SYSTEM).create(codec.decode(json.dumps(body).encode()))


@pytest.mark.parametrize(
    "inside",
    [
        "<p>Ho</p><script>alert(1)</script>",
        '<p onclick="go()">Ho</p>',
        '<a href="javascript:go()">Ho</a>',
        '<a href=" JavaScript:go()">Ho</a>',
        "<iframe src='https://x.example'></iframe>",
        "<form action='https://x.example'><input name='a'/></form>",
        "<IMG src='x.png' onerror='go()'/>",
    ],
)
def test_something_active_is_refused_with_its_place(connection: psycopg.Connection[Any], inside: str) -> None:
    with pytest.raises(Invalid) as refused:
        store(connection, inside)
    assert (refused.value.key, refused.value.path) == ("store.narrative", "Patient.text.div")


def test_it_is_found_in_what_is_contained_too(connection: psycopg.Connection[Any]) -> None:
    inner = {
        "resourceType": "Organization", "id": "o", "name": "x",
        "text": {"status": "generated", "div": f"{_DIV}<script>1</script></div>"},
    }  # fmt: skip
    with pytest.raises(Invalid) as refused:
        store(connection, "<p>Ho</p>", contained=[inner], managingOrganization={"reference": "#o"})
    assert refused.value.path == "Patient.contained[0].text.div"


@pytest.mark.parametrize(
    "inside",
    [
        "<p>Uống &lt;script&gt; hai lần, once = 1 viên, online = có</p>",
        "<p>javascript: là một ngôn ngữ</p>",
        '<table><tr><td style="color:red">38,5 °C</td></tr></table>',
    ],
)
def test_words_are_kept(connection: psycopg.Connection[Any], inside: str) -> None:
    store(connection, inside, name=[{"text": "<script>alert(1)</script>"}])
