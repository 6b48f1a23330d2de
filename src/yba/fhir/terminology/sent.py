"""Whether a resource sent along has the form this service reads. What it does not read may be anything, R5's too.

Stored resources have been checked by the codec; those sent with a question are not stored, and some are written in R5.
"""

from __future__ import annotations

from typing import Any

from yba.fhir.errors import Invalid

Tree = Any
_EXTENSION: dict[str, Tree] = {"url": str, "valueString": str, "valueCode": str, "valueCanonical": str}
_EXTENSION["extension"] = [_EXTENSION]
_CODING = {"system": str, "version": str, "code": str, "display": str}
_DESIGNATION = {"language": str, "use": _CODING, "value": str, "extension": [_EXTENSION]}
_CONCEPT: dict[str, Tree] = {
    "code": str, "display": str, "definition": str, "designation": [_DESIGNATION], "extension": [_EXTENSION],
    "property": [{"code": str, "valueCode": str}],
}  # fmt: skip
_CONCEPT["concept"] = [_CONCEPT]
_HEAD = {
    "resourceType": str, "id": str, "url": str, "version": str, "name": str, "title": str, "status": str,
    "language": str, "date": str, "extension": [_EXTENSION],
}  # fmt: skip
_SAID = {"code": str, "display": str, "designation": [_DESIGNATION], "extension": [_EXTENSION]}
_PART = {
    "system": str, "version": str, "valueSet": [str], "concept": [_SAID],
    "filter": [{"property": str, "op": str, "value": str, "_op": {"extension": [_EXTENSION]}}],
}  # fmt: skip
_LINE: dict[str, Tree] = {"system": str, "version": str, "code": str, "display": str, "abstract": bool}
_LINE["contains"] = [_LINE]
_VALUE_SET: dict[str, Tree] = {
    **_HEAD,
    "compose": {"inactive": bool, "include": [_PART], "exclude": [_PART], "extension": [_EXTENSION]},
    "expansion": {"contains": [_LINE]},
}
_VALUE_SET["contained"] = [_VALUE_SET]
_TARGET = {
    "code": str, "display": str, "equivalence": str,
    "dependsOn": [{"property": str, "system": str, "value": str}],
    "product": [{"property": str, "system": str, "value": str, "display": str}],
}  # fmt: skip
FORMS: dict[str, Tree] = {
    "CodeSystem": {
        **_HEAD, "content": str, "supplements": str, "valueSet": str, "caseSensitive": bool, "concept": [_CONCEPT],
        "property": [{"code": str, "uri": str}], "filter": [{"code": str}],
    },
    "ValueSet": _VALUE_SET,
    "ConceptMap": {
        **_HEAD, "sourceUri": str, "sourceCanonical": str, "targetUri": str, "targetCanonical": str,
        "group": [
            {
                "source": str, "target": str, "element": [{"code": str, "display": str, "target": [_TARGET]}],
                "unmapped": {"mode": str, "code": str, "display": str, "url": str},
            }
        ],
    },
    "Coding": _CODING,
    "CodeableConcept": {"coding": [_CODING], "text": str},
}  # fmt: skip
_KINDS = {str: "a text", bool: "true or false"}


def checked(tree: Tree, kind: str, path: str) -> Tree:
    """The tree itself. Raises Invalid with the path of what has the wrong form."""
    _check(tree, FORMS[kind], path)
    return tree


def _check(tree: Tree, form: Tree, path: str) -> None:
    if isinstance(form, dict):
        if not isinstance(tree, dict):
            raise _wrong(path, "an object")
        for name, below in form.items():
            if name in tree:
                _check(tree[name], below, f"{path}.{name}")
    elif isinstance(form, list):
        if not isinstance(tree, list):
            raise _wrong(path, "a list")
        for place, one in enumerate(tree):
            _check(one, form[0], f"{path}[{place}]")
    elif not isinstance(tree, form):
        raise _wrong(path, _KINDS[form])


def _wrong(path: str, wanted: str) -> Invalid:
    return Invalid("terminology.form", f"{path} must be {wanted}.", path=path)
