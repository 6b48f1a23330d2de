"""Every page of every role in English: nothing of the house's own words is left in Vietnamese."""

from __future__ import annotations

import re

import pytest

from tests.journeys.asking import api
from tests.journeys.browsing import DESK, PHONE
from tests.journeys.conftest import Screens
from tests.journeys.walking import ROLES, kind_of, pages_of, who_is

VIETNAMESE = re.compile(
    "[ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ]", re.IGNORECASE
)
#: The words of the house itself, not of the record: they have a translation.
OWN_WORDS = (
    "h1.cover-title, button:not([aria-label]), label, legend, summary, th[scope=col], .tabs a, .keys, .field-help, "
    ".spine-item, .tabbar-item, .status, .blank, .section-head h2, .sheet-head h2, .pane-title, a.button"
)
#: Words that stay: names of places, people, drugs and specialties are data.
DATA = "h2.label-name, .doctor h3, .choice label, .room, .request, .ticket, .pick label, .tab-person, option, select"


@pytest.fixture(scope="module")
def record_words(screens: Screens) -> re.Pattern[str]:
    """Names that stand in the record as they are, in whatever language one reads."""
    found = api(screens.house, "system")
    names = {one["name"] for one in found.find("HealthcareService")} | {"Y Bạ"}
    names |= {name["text"] for one in found.find("Patient") for name in one.get("name", ()) if "text" in name}
    return re.compile("|".join(re.escape(one) for one in sorted(names, key=len, reverse=True)))


@pytest.mark.parametrize("role", ROLES)
def test_english_is_complete(screens: Screens, record_words: re.Pattern[str], role: str) -> None:
    who = screens.like(who_is(screens, role), f"{role}-english", PHONE if role == "citizen" else DESK)
    who.context.add_cookies([{"name": "yba_language", "value": "en", "url": screens.house.address}])
    left: dict[str, set[str]] = {}
    for page in pages_of(who):
        assert page.locator("html").get_attribute("lang") == "en"
        words = page.eval_on_selector_all(
            OWN_WORDS,
            "(all, data) => all.filter(e => !e.closest(data) && !e.querySelector(data)).map(e => e.innerText)",
            DATA,
        )
        kept = (record_words.sub("", one.replace("\u00a0đ", "")).strip() for one in words)
        rest = {one for one in kept if VIETNAMESE.search(one)}
        if rest:
            left[kind_of(page.url)] = rest
    assert left == {}
