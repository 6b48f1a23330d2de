"""The browser of the journeys: the distribution's Chromium, and what every page looked at must satisfy."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, TimeoutError, expect

SCREENS = Path(__file__).parents[2] / "artefacts" / "screens"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}
WALL = {"width": 1920, "height": 1080}
#: Milliseconds that a page may take on a machine that does much else; nothing waits so long unless it is broken.
PATIENCE = 45_000
expect.set_options(timeout=PATIENCE)
#: What looking found; a story goes on and is told at its end (the fixture `faultless`).
FAULTS: list[str] = []
#: A refusal is an answer (conflict, unprocessable); the browser logs it as if it were a failure.
REFUSAL = re.compile(r"Failed to load resource: the server responded with a status of (409|422)")
#: Looking leaves empty style attributes behind, and htmx copies them: the hash is that of nothing at all.
EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"


def chromium() -> str:
    """Where Chromium is, without windows where it can be had so; the name of the missing package when it is nowhere."""
    known = [os.environ.get("CHROMIUM", ""), "chromium-headless-shell", "chromium", "chromium-browser"]
    known += ["google-chrome"]
    known += ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"]
    known += ["/Applications/Chromium.app/Contents/MacOS/Chromium"]
    found = next((path for name in known if name and (path := shutil.which(name))), None)
    if found is None:
        raise AssertionError("No Chromium: install the package `chromium` (macOS: `brew install chromium`).")
    return found


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=chromium(), args=FLAGS)


@cache
def axe_script() -> str:
    spec = find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parent / "axe.min.js").read_text()


@dataclass
class Visitor:
    """One person before one screen: a context of their own, and everything that went wrong on it."""

    name: str
    context: BrowserContext
    page: Page
    troubles: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(path)
        return self.page

    def quiet(self) -> None:
        """Nothing was logged as an error, refused by the content policy or failed at the server."""
        assert self.troubles == [], f"{self.name}: {self.troubles}"


def visit(browser: Browser, address: str, name: str, *, size: dict[str, int], **options: Any) -> Visitor:
    """A new screen. The content security policy stays on."""
    context = browser.new_context(
        base_url=address, viewport=size, reduced_motion="reduce", locale="vi-VN", **options
    )
    context.set_default_timeout(PATIENCE)
    found = Visitor(name, context, context.new_page())

    def logged(message: Any) -> None:
        """What the house's pages log: an app of somebody else may be refused what it asks, and say so."""
        where = message.page.url if message.page else ""
        ours = not where.startswith("http") or urlsplit(where).netloc.endswith(f":{urlsplit(address).port}")
        if (
            ours
            and message.type == "error"
            and not REFUSAL.match(message.text)
            and EMPTY_STYLE not in message.text
        ):
            found.troubles.append(f"{where}: {message.text[:300]}")

    context.on("console", logged)
    context.on(
        "weberror", lambda error: found.troubles.append(f"{error.page and error.page.url}: {error.error}")
    )
    context.on(
        "response",
        lambda answer: (
            found.troubles.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None
        ),
    )
    return found


def reloaded_until(page: Page, wanted: Locator) -> None:
    """The page again and again until it shows something that comes to be there after a while."""
    for _turn in range(120):
        if wanted.count():
            return
        page.wait_for_timeout(250)
        page.reload()
    raise AssertionError(f"{page.url} never shows {wanted}")


# What fades in has no contrast yet; what turns without end is left alone. Never longer than two seconds.
_ENDED = """() => Promise.race([
    new Promise(done => setTimeout(done, 2000)),
    Promise.all(document.getAnimations()
        .filter(one => one.playState === 'running' && one.effect?.getComputedTiming().endTime !== Infinity)
        .map(one => one.finished.catch(() => null))),
]).then(() => null)"""


def settled(page: Page) -> None:
    """Everything the page asked for is there."""
    page.wait_for_load_state("load")
    at_rest = "() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')"
    if not page.evaluate(at_rest):
        page.wait_for_function(at_rest)


_BEGUN = """asked => {
    window.found = null;
    axe.run(document, asked).then(one => { window.found = one.violations }, wrong => { window.found = String(wrong) });
}"""


def unclean(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """What axe-core finds: rule, element, why. By all its rules, or by these alone."""
    page.evaluate(_ENDED)
    asked = {"resultTypes": ["violations"], "preload": False} | ({"runOnly": list(rules)} if rules else {})
    return [
        f"{one['id']}: {' '.join(node['target'] if isinstance(node['target'][0], str) else node['target'][0])}"
        f" {node['failureSummary'].splitlines()[-1].strip()}"
        for one in _looked_through(page, asked)
        for node in one["nodes"]
    ]


def _looked_through(page: Page, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """What axe says; waited for by the clock, for of what is no page (a picture alone) it never says anything."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(axe_script())
    page.evaluate(_BEGUN, asked)
    said: object = "no answer"
    with contextlib.suppress(TimeoutError):
        said = page.wait_for_function("() => window.found", timeout=PATIENCE, polling=100).json_value()
    if isinstance(said, list):
        return said
    raise AssertionError(f"{page.url}: axe: {said}")


def sideways(page: Page) -> int:
    """How many pixels the page scrolls to the side; 0 is right."""
    return int(page.evaluate("() => Math.max(0, document.documentElement.scrollWidth - window.innerWidth)"))


def picture(page: Page, name: str) -> None:
    """The whole page; a long one is shown on a screen as long, so that bars stand at its foot."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    size = page.viewport_size or DESK
    path = str(SCREENS / f"{name}-{size['width']}.png")
    height = min(int(page.evaluate("() => document.documentElement.scrollHeight")), 5000)
    if size == WALL or height <= size["height"]:
        page.screenshot(path=path, animations="disabled")
        return
    page.set_viewport_size({"width": size["width"], "height": height})
    page.screenshot(path=path, animations="disabled")
    page.set_viewport_size(size)


def pictured(page: Page, name: str, faults: Sequence[str]) -> None:
    """A picture where there is something to see, or where all are asked for."""
    if faults or os.environ.get("PICTURES"):
        picture(page, name)


def look(page: Page, name: str, *, also: dict[str, int] | None = None) -> None:
    """Check the page as it stands; `also` looks once more at another width.

    A picture is kept of a page with a fault; with PICTURES=1 in the environment of every page. With NO_LOOK=1 a story
    is only walked: three times as fast while one writes it.
    """
    settled(page)
    if os.environ.get("NO_LOOK"):
        return
    faults = [f"{too_wide} px sideways"] if (too_wide := sideways(page)) else []
    faults += unclean(page)
    pictured(page, name, faults)
    if also is not None:
        kept = page.viewport_size or DESK
        page.set_viewport_size(also)  # type: ignore[arg-type]
        if too_wide := sideways(page):
            faults.append(f"{too_wide} px sideways at {also['width']}")
        pictured(page, name, faults)
        page.set_viewport_size(kept)
    FAULTS.extend(f"{name} ({page.url}): {one}" for one in faults)
