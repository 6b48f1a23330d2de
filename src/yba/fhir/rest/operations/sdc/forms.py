"""What $populate and $extract share: a questionnaire and its extensions, and expressions evaluated for an actor.

Source: Structured Data Capture (hl7.fhir.uv.sdc) 3.0 and 4.0, expressions.html. Expressions are FHIRPath, or queries of
this record (``application/x-fhir-query``) with FHIRPath in ``{{ }}``; whatever they reach passes the access door. What
goes wrong with one question is an issue beside the answer, and the other questions go on.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote

from yba.fhir.errors import Invalid, NotFound, RecordError, TooCostly
from yba.fhir.model import codec, fhirpath, references, tree
from yba.fhir.model.fhirpath.output import as_json
from yba.fhir.r4 import MODULES
from yba.fhir.rest.operations import chart
from yba.fhir.rest.operations.call import Call

Tree = dict[str, Any]
Environment = dict[str, Any]
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
VARIABLE = "http://hl7.org/fhir/StructureDefinition/variable"
UNIT = "http://hl7.org/fhir/StructureDefinition/questionnaire-unit"
LARGEST_QUERY = 1000
MOST_QUERIES = 200
MOST_ITEMS = 20_000
_TOO_COSTLY = "sdc.too-costly"
_QUERY = "application/x-fhir-query"
_EMBEDDED = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def extensions(element: Mapping[str, Any], name: str) -> list[Tree]:
    """The extensions of a name (of SDC) or URL, as they stand."""
    url = name if ":" in name else SDC + name
    return [one for one in element.get("extension", ()) if isinstance(one, dict) and one.get("url") == url]


def value_of(extension: Mapping[str, Any]) -> Any:
    """The value of an extension, whatever its type."""
    return next((value for key, value in extension.items() if key.startswith("value")), None)


def extension(element: Mapping[str, Any], name: str) -> Any:
    """The value of the first extension of a name, or None."""
    return next((value_of(one) for one in extensions(element, name)), None)


def part(extension: Mapping[str, Any], name: str) -> Any:
    """The value of a part of a complex extension, or None."""
    return next((value_of(one) for one in extension.get("extension", ()) if one.get("url") == name), None)


@dataclass(slots=True)
class Form:
    """One call: who asks, the questionnaire, and what is to be said about it."""

    call: Call
    questionnaire: Tree
    local: bool = True
    issues: list[Tree] = field(default_factory=list)
    resolved: dict[str, Any] = field(default_factory=dict)
    queries: int = 0
    items: int = 0

    def note(self, text: str, *, item: Mapping[str, Any] | None = None, severity: str = "warning",
             code: str = "processing") -> None:  # fmt: skip
        """Keep an issue, about an item of the questionnaire or the whole."""
        link = f"Question {item['linkId']}: " if item is not None and item.get("linkId") else ""
        issue: Tree = {"severity": severity, "code": code, "details": {"text": (link + text)[:1000]}}
        self.issues.append(issue)

    def fresh(self) -> str:
        """A new ``urn:uuid:``, out of the record's source of ids."""
        return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, self.call.record.new_id())}"

    def spend(self, *, queries: int = 0, items: int = 0) -> None:
        """Count what repetitions inside repetitions can multiply. Raises TooCostly beyond the limit."""
        self.queries += queries
        self.items += items
        if self.queries > MOST_QUERIES or self.items > MOST_ITEMS:
            raise TooCostly(
                _TOO_COSTLY,
                f"The questionnaire asks for more than {MOST_QUERIES} queries or {MOST_ITEMS:,} items. "
                "Query once, in a variable, and repeat fewer groups inside each other.",
            )

    # -- expressions -------------------------------------------------------------------------------

    def evaluate(
        self, expression: object, context: Any, environment: Environment, item: Mapping[str, Any] | None = None,
        *, type_name: str | None = None,
    ) -> list[Any]:  # fmt: skip
        """What an Expression (or FHIRPath text) gives; nothing, and an issue, where it cannot be evaluated."""
        said = expression if isinstance(expression, dict) else {"expression": expression}
        text, language = said.get("expression"), said.get("language", "text/fhirpath")
        if not isinstance(text, str):
            self.note("an expression has no text.", item=item, code="invalid")
            return []
        try:
            if language == _QUERY:
                return self._queried(text, context, environment, item, type_name)
            if language != "text/fhirpath":
                self.note(f"expressions in '{language}' are not evaluated.", item=item, code="not-supported")
                return []
            return self._path(text, context, environment, type_name)
        except RecordError as error:
            if error.key == _TOO_COSTLY:
                raise
            self.note(error.message, item=item)
            return []

    def _path(self, text: str, context: Any, environment: Environment, type_name: str | None) -> list[Any]:
        return fhirpath.compile(text).evaluate(
            context, type_name=type_name, environment=environment, resolve=self.resolve,
            now=self.call.record.clock(),
        )  # fmt: skip

    def _queried(
        self, text: str, context: Any, environment: Environment, item: Mapping[str, Any] | None,
        type_name: str | None,
    ) -> list[Any]:  # fmt: skip
        """The Bundle a query gives; nothing where a value it needs is not known."""
        if not self.local:
            self.note("the record is not asked, as 'local' says.", item=item, severity="information")
            return []
        missing = False

        def given(found: re.Match[str]) -> str:
            nonlocal missing
            items = self._path(found[1], context, environment, type_name)
            missing = missing or not items
            return quote(",".join(str(as_json(one)) for one in items), safe=",/:")

        query = _EMBEDDED.sub(given, text)
        if missing:
            return []
        path, _, asked = query.partition("?")
        kind, _, identifier = path.strip("/").partition("/")
        if kind not in MODULES:
            raise Invalid("sdc.query", f"The query '{text[:200]}' does not begin with a resource type.")
        if identifier:
            row = self.resolve(f"{kind}/{identifier}")
            return [] if row is None else [fhirpath.root(row)]
        return [fhirpath.root(self.search(kind, parse_qsl(asked, keep_blank_values=True)))]

    def search(self, kind: str, params: list[tuple[str, str]]) -> Tree:
        """A searchset of all matches. Raises TooCostly above 1,000."""
        self.spend(queries=1)
        rows = []
        asked = params if any(name == "_count" for name, _ in params) else [*params, ("_count", "200")]
        found = self.call.record.search_stored(kind, asked, strict=True)
        while True:
            rows += [*found.matches, *found.included]
            if found.next is None or asked is params:
                break
            if len(rows) > LARGEST_QUERY:
                raise TooCostly("sdc.query", f"The query of {kind} has more than {LARGEST_QUERY} matches.")
            found = self.call.record.search_stored(kind, [*asked, ("_cursor", found.next)], strict=True)
        entries = [{"resource": tree.parse(one.content or b"{}")} for one in rows]
        return {"resourceType": "Bundle", "type": "searchset", **({"entry": entries} if entries else {})}

    def resolve(self, reference: str) -> Any:
        """The resource a reference names, as far as the actor may see it; None otherwise."""
        if reference not in self.resolved:
            target = references.parse(reference)
            base = self.call.request.base_url + "/"
            local = target is not None and target.base in ("", base) and self.local
            rows = chart.named(self.call.record, [(target.type, target.id)]) if target and local else []
            self.resolved[reference] = tree.parse(rows[0].content or b"{}") if rows else None
        return self.resolved[reference]

    def with_variables(self, element: Mapping[str, Any], context: Any, environment: Environment, *,
                       type_name: str | None = None) -> Environment:  # fmt: skip
        """The environment with the variables an element declares, in their order."""
        found = environment
        for one in extensions(element, VARIABLE):
            value = value_of(one)
            if isinstance(value, dict) and isinstance(value.get("name"), str):
                items = self.evaluate(value, context, found, element, type_name=type_name)
                found = {**found, value["name"]: items}
        return found


def checked(sent: Tree) -> Tree:
    """A resource that was sent, proved to be one. Raises Invalid with the path of the fault."""
    codec.decode(tree.dump(sent), sent["resourceType"])
    return sent


# -- which questionnaire ------------------------------------------------------------------------------------------


def questionnaire_of(call: Call, canonical: str) -> Tree:
    """The questionnaire of a canonical URL (with ``|version`` or without), or of a reference. Raises NotFound."""
    target = references.parse(canonical.removeprefix(call.request.base_url + "/"))
    if target is not None and not target.base and target.type == "Questionnaire":
        found: Tree = tree.parse(call.record.read_stored("Questionnaire", target.id).content or b"{}")
        return found
    url, _, version = canonical.partition("|")
    params = [("url", re.sub(r"([\\,|$])", r"\\\1", url)), ("_sort", "-date"), ("_count", "50")]
    if version:
        params.append(("version", re.sub(r"([\\,|$])", r"\\\1", version)))
    rows = [
        tree.parse(one.content or b"{}") for one in call.record.search_stored("Questionnaire", params).matches
    ]
    rows.sort(key=lambda one: one.get("status") == "active", reverse=True)
    if not rows:
        raise NotFound(
            "sdc.questionnaire", f"There is no Questionnaire '{canonical[:200]}'.", type="Questionnaire"
        )
    first: Tree = rows[0]
    return first


def items_of(element: Mapping[str, Any]) -> Iterator[Tree]:
    """The items directly below a questionnaire, a response, an item or an answer."""
    yield from (one for one in element.get("item", ()) if isinstance(one, dict))
