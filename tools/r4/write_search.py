"""Write search_parameters.py: what can be searched by, a row a base type and code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from tools.r4.code_systems import implied_systems
from tools.r4.definitions import Definitions, Json
from tools.r4.write_types import HEADER

_ABSTRACT = {"Resource", "DomainResource"}

_PREAMBLE = f'''"""Search parameters of FHIR R4 by base type and code. {HEADER}"""

from typing import NamedTuple


class Component(NamedTuple):
    """One part of a composite parameter; its expression starts at the element the composite names."""

    code: str
    kind: str
    expression: str


class Parameter(NamedTuple):
    """A search parameter, its FHIRPath expression narrowed to one base type ("" where FHIR gives none)."""

    code: str
    kind: str  # number, date, string, token, reference, composite, quantity, uri or special
    expression: str
    targets: tuple[str, ...] = ()
    components: tuple[Component, ...] = ()
    usage: str = "normal"
    url: str = ""
    systems: tuple[str, ...] = ()  # of a token: the code systems its plain codes come from
    number: int = 0  # of a parameter a user added: what it has in the index tables


def parameter(resource_type: str, code: str) -> Parameter | None:
    """The parameter of a resource type, its own or one that all resources have."""
    for base in (resource_type, "DomainResource", "Resource"):
        found = PARAMETERS.get(base, {{}}).get(code)
        if found is not None:
            return found
    return None


_BASE = "http://hl7.org/fhir/SearchParameter/"

'''


# R4 gives the expressions of these components to each other's kind: a reference to `code`, a token to `target`.
_CROSSED = {"http://hl7.org/fhir/SearchParameter/DocumentReference-relationship"}


def search_module(definitions: Definitions) -> str:
    parameters = definitions.search_parameters
    by_url = {parameter["url"]: parameter for parameter in parameters}
    rows: dict[str, dict[str, str]] = {}
    for parameter in parameters:
        for base in _bases(parameter):
            table = rows.setdefault(base, {})
            if parameter["code"] in table:
                raise ValueError(f"two search parameters of {base} are named {parameter['code']}")
            table[parameter["code"]] = _row(parameter, base, by_url, definitions)
    lines = [_PREAMBLE + "PARAMETERS: dict[str, dict[str, Parameter]] = {"]
    for base in sorted(rows):
        lines.append(f"    {_text(base)}: {{")
        lines += [f"        {_text(code)}: {rows[base][code]}," for code in sorted(rows[base])]
        lines.append("    },")
    return "\n".join(lines) + '\n}\n"""Base type -> code -> parameter."""\n'


def _bases(parameter: Json) -> list[str]:
    """The base types, or none for what the specification only sketches: examples, extensions without a path."""
    if parameter.get("version") != "4.0.1":
        return []
    bases: list[str] = parameter.get("base", [])
    return bases if "expression" in parameter or set(bases) <= _ABSTRACT else []


def narrowed(expression: str, base: str) -> str:
    """The branches of a union that start at the base type. `A.x | B.x` for B is `B.x`."""
    if base in _ABSTRACT:
        return expression
    # InsurancePlan's `name | alias` leaves the type out.
    named = [f"{base}.{branch}" if branch[0].islower() else branch for branch in branches(expression)]
    own = [branch for branch in named if re.match(rf"\(*{base}\b", branch)]
    if not own:
        raise ValueError(f"no branch of {expression!r} starts at {base}")
    return " | ".join(own)


def branches(expression: str) -> Iterator[str]:
    """The branches of a union, split at bars outside brackets and quotes."""
    depth, quoted, start = 0, False, 0
    for at, letter in enumerate(expression):
        if letter == "'":
            quoted = not quoted
        elif not quoted and letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "|" and depth == 0 and not quoted:
            yield expression[start:at].strip()
            start = at + 1
    yield expression[start:].strip()


def _row(parameter: Json, base: str, by_url: dict[str, Json], definitions: Definitions) -> str:
    expression = narrowed(parameter["expression"], base) if "expression" in parameter else ""
    parts = [_text(parameter["code"]), _text(parameter["type"]), _text(expression)]
    if "target" in parameter:
        parts.append(f"targets={_tuple(map(_text, sorted(parameter['target'])))}")
    if "component" in parameter:
        components = [dict(part) for part in parameter["component"]]
        if parameter["url"] in _CROSSED:
            one, other = components
            one["expression"], other["expression"] = other["expression"], one["expression"]
        parts.append(f"components={_tuple(_component(part, by_url) for part in components)}")
    if parameter.get("xpathUsage", "normal") != "normal":
        parts.append(f"usage={_text(parameter['xpathUsage'])}")
    parts.append(f"url=_BASE + {_text(parameter['url'].rpartition('/')[2])}")
    if parameter["type"] == "token" and expression:
        systems = implied_systems(base, list(branches(expression)), definitions)
        if systems:
            parts.append(f"systems={_tuple(map(_text, systems))}")
    return f"Parameter({', '.join(parts)})"


def _component(part: dict[str, Any], by_url: dict[str, Json]) -> str:
    defined = by_url[part["definition"].partition("|")[0]]
    expression = part["expression"].replace("as(DateTime)", "as(dateTime)")  # R4 writes the type's name wrong
    return f"Component({_text(defined['code'])}, {_text(defined['type'])}, {_text(expression)})"


def _tuple(parts: Iterable[str]) -> str:
    listed = list(parts)
    return f"({listed[0]},)" if len(listed) == 1 else f"({', '.join(listed)})"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
