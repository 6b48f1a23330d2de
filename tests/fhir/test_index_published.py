"""The getters against the FHIRPath engine: over HL7's examples both make the same rows for every parameter."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from tests.spec.published import folder
from yba.fhir.model import codec, fhirpath, tree
from yba.fhir.search import evaluated, index
from yba.fhir.search.parameters import COLUMN_CODES, TEXT_CODES, Added, Parameter, builtin
from yba.fhir.search.rows import WIDTHS, Gathered

# Read by a rule of their own: a position is a pair of numbers, not a value of a data type.
_BY_HAND = {("Patient", "deceased"), ("Location", "near")}


@lru_cache(maxsize=4096)
def compiled(expression: str) -> fhirpath.Expression:
    # R4's own expression uses a function that no FHIRPath specification has.
    return fhirpath.compile(re.sub(r"hasExtension\(('[^']*')\)", r"extension(\1).exists()", expression))


def by_getters(resource: Any, type_name: str, parameter: Parameter) -> Gathered:
    found = Gathered(resource=resource)
    for attribute, handler in index.readers(type(resource), type_name, parameter, 1):
        value = resource if attribute is None else getattr(resource, attribute)
        if value is not None and value != []:
            handler(value, found)
    return found


def by_fhirpath(resource: Any, parsed: Any, parameter: Parameter) -> Gathered:
    found = Gathered(resource=resource)
    if parameter.kind == "composite":
        evaluated._of_composite(parameter._replace(number=1))(resource, parsed, found, fhirpath.Budget())
        return found
    leaf = index.leaf(parameter.kind, 1)
    for item in compiled(parameter.expression).evaluate(parsed, resolve=evaluated._resolver(parsed)):
        evaluated.add(item, leaf, found)
    return found


def test_both_select_the_same() -> None:
    read = differing = selected = 0
    told: list[str] = []
    for file in sorted(folder("fhir-r4-examples").rglob("*.json")):
        content = file.read_bytes()
        if b'"resourceType"' not in content:
            continue
        resource = codec.decode(content)
        parsed = tree.parse(content)
        read += 1
        type_name = parsed["resourceType"]
        for code, parameter in builtin(type_name).items():
            if code in COLUMN_CODES or code in TEXT_CODES or (type_name, code) in _BY_HAND:
                continue
            one, other = by_getters(resource, type_name, parameter), by_fhirpath(resource, parsed, parameter)
            for table in WIDTHS:
                got, wanted = set(getattr(one, table)), set(getattr(other, table))
                selected += len(got)
                if got != wanted:
                    differing += 1
                    told.append(
                        f"{file.name} {code} ({parameter.kind}): {sorted(map(str, got ^ wanted))[:3]}"
                    )
    assert told == []
    assert read > 390
    assert selected > 4600


def test_added_parameters_read_like_published_ones() -> None:
    content = b'{"resourceType":"Patient","id":"p","gender":"male","name":[{"family":"Tr\xe1\xba\xa7n"}]}'
    resource = codec.decode(content)
    for kind, expression in (("token", "Patient.gender"), ("string", "Patient.name.where(true).family")):
        parameter = Parameter("mine", kind, expression, number=7)
        found = evaluated.gather(resource, content, [Added("a", "Patient", parameter, indexing=False)])
        assert (found.token, found.string) == (
            ([(7, None, "male", None)], []) if kind == "token" else ([], [(7, "tran", "Trần")])
        )
