"""What the source itself must hold: secrets are compared in constant time, one module calls out, no page runs code."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "yba"
FILES = [path for path in SOURCE.rglob("*.py") if "fhir/r4" not in path.as_posix()]
TEMPLATES = sorted(SOURCE.rglob("templates/**/*.html"))

SECRET = re.compile(r"(^|_)(digest|secret|token|pin|signature|hmac|verifier|challenge|password|mac)(_|$)")
#: Compared plainly for a reason: not a secret, or a word about one.
PLAIN = {
    "expected[row.seq] != leaf(row.seq, digest)": "a digest of the audit's own rows, known to whoever reads them",
    "hashlib.file_digest(stream, 'sha256').hexdigest() != file['Checksum']": "the sum of a backup's file",
    "app_of(token).pk == client.pk": "numbers of apps",
    "_states(request).get(_digest(request), {}).get('chosen') != str(account.pk)": "numbers of accounts",
    "token.get('sub') != info.get('sub')": "one account's names in two answers of its provider (OpenID Connect, 5.3.2)",
}


def _names(node: ast.expr) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            yield one.id.lower()
        elif isinstance(one, ast.Attribute):
            yield one.attr.lower()


def _literal(node: ast.expr) -> bool:
    """A constant of the source is no secret; an upper-case name is a constant."""
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.Name | ast.Attribute)
        and (node.id if isinstance(node, ast.Name) else node.attr).isupper()
    )


def comparisons(path: Path) -> list[str]:
    """Comparisons by ``==`` or ``!=`` in which a secret seems to stand."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
            continue
        sides = [node.left, *node.comparators]
        if any(_literal(side) for side in sides):
            continue
        if any(SECRET.search(name) for side in sides for name in _names(side)):
            found.append(ast.unparse(node))
    return found


def test_nothing_of_an_installation_is_kept_with_the_source() -> None:
    """A file that is ignored (a secret, a database, what was built) was never added by hand."""
    if not (SOURCE.parents[1] / ".git").exists():
        pytest.skip("no git here")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"],
        cwd=SOURCE.parents[1], capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert listed.stdout.splitlines() == []


def test_secrets_are_compared_in_constant_time() -> None:
    assert comparisons_of("digest(given) == kept.digest") == 1  # the rule sees what it is for
    assert comparisons_of("kind == 'token'") == 0
    found = [line for path in FILES for line in comparisons(path)]
    assert sorted(set(found) - set(PLAIN)) == []


def comparisons_of(text: str) -> int:
    node = ast.parse(text, mode="eval").body
    assert isinstance(node, ast.Compare)
    sides = [node.left, *node.comparators]
    return int(
        not any(_literal(side) for side in sides)
        and any(SECRET.search(name) for side in sides for name in _names(side))
    )


#: Who opens connections, and to where.
OUTWARD = {
    "fhir/calling.py": "the one that calls other machines, at checked numbers",
    "site/serve.py": "asks its own children whether they are there",
    "care/uploads/scanning.py": "the operator's own scanner",
    "gateways/hospital/mllp.py": "the hospital systems of the operator's own file",
    "gateways/telephone/ami.py": "the telephone exchange of the operator's own file",
}
CALLS = re.compile(
    r"\b(urlopen|create_connection|HTTPS?Connection)\(|^\s*(import|from) (requests|httpx|aiohttp)\b", re.M
)


def test_one_module_calls_other_machines() -> None:
    found = {
        path.relative_to(SOURCE).as_posix()
        for path in FILES
        if CALLS.search(path.read_text(encoding="utf-8"))
    }
    assert found == set(OUTWARD)


RUNS = {
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)[^>]*>", re.I),
    "an inline style sheet": re.compile(r"<style[\s>]", re.I),
    "a style attribute": re.compile(r"<[^>{]*\sstyle\s*=", re.I),
    "a handler in an attribute": re.compile(r"<[^>{]*\son[a-z]+\s*=", re.I),
    "a script in an address": re.compile(
        r"""(href|src|action)\s*=\s*["']?\s*(javascript|data|vbscript):""", re.I
    ),
    "a handler of htmx": re.compile(r"\bhx-(on|vals)\s*[:=]\s*[\"']?\s*js:|\bhx-on[:-]", re.I),
    "a frame": re.compile(r"<(iframe|frame|object|embed)\b", re.I),
    "an escape left out": re.compile(r"\|\s*safe\b|autoescape off"),
}


@pytest.mark.parametrize("what", RUNS)
def test_no_template_holds(what: str) -> None:
    assert RUNS[what].search(
        {
            "an inline script": "<script>", "an inline style sheet": "<style>", "a style attribute": '<p style="x">',
            "a handler in an attribute": "<p onclick=x>", "a script in an address": '<a href="javascript:x">',
            "a handler of htmx": '<p hx-on:click="x">', "a frame": "<iframe>", "an escape left out": "{{ x|safe }}",
        }[what]
    )  # fmt: skip
    assert len(TEMPLATES) > 40
    assert [
        path.relative_to(SOURCE).as_posix()
        for path in TEMPLATES
        if RUNS[what].search(path.read_text(encoding="utf-8"))
    ] == []


def test_every_form_that_changes_something_carries_its_token() -> None:
    form = re.compile(r"<form\b[^>]*method=\"post\"[^>]*>(.*?)</form>", re.I | re.S)
    bare = [
        path.relative_to(SOURCE).as_posix()
        for path in TEMPLATES
        for inside in form.findall(path.read_text(encoding="utf-8"))
        if "csrf_token" not in inside
    ]
    assert bare == []
