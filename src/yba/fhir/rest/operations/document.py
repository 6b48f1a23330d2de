"""Composition/$document: a composition and what it speaks of, as one document.

Source: FHIR R4, composition-operation-document.html and documents.html. The Bundle begins with the Composition. What it
names as subject, encounter, author, attester, custodian, event detail, and in its sections must be in it: where one of
these is not there (or hidden from the actor), or is kept by another server, there is no document but an error. What
those point to in turn is added as far as it is there, except through ``relatesTo``: an earlier document is not part of
this one. References stay as written; each entry's full URL is its place in this record, so that they resolve inside.

``persist=true`` stores the Bundle and says where in ``Location``. ``graph`` is refused.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from yba.fhir.errors import Conflict, Invalid, NotFound, Unsupported
from yba.fhir.model import codec, references, tree
from yba.fhir.model.dates import instant
from yba.fhir.record import reading
from yba.fhir.rest.operations import chart
from yba.fhir.rest.operations.call import Call, Operation
from yba.fhir.rest.response import Response
from yba.fhir.store.rows import Stored


def document(call: Call) -> Response:
    """The document of one composition."""
    call.refuse_unknown(("id", "persist", "graph"))
    if call.text("graph") is not None:
        raise Unsupported(
            "document.graph", "'graph' is not supported: a document holds all its composition needs."
        )
    persist = call.flag("persist")
    identifier = _identifier(call)
    composition = reading.head(call.record, "Composition", identifier)
    content = [composition, *_content(call, composition)]
    call.record.audit(
        "operation", type_name="Composition", stored=composition, detail="$document", answered=len(content),
        patients={one.patient for one in content if one.patient is not None},
    )  # fmt: skip
    body = _bundle(call, content)
    if not persist:
        return Response(200, body)
    stored, _ = call.record.create_stored(codec.decode(body, "Bundle"))
    return Response(200, stored.content or b"", [("Location", f"{call.request.base_url}/Bundle/{stored.id}")])


def _identifier(call: Call) -> str:
    """Which composition: the instance, or ``id`` as an id, ``Composition/id`` or a URL of this record."""
    said = call.text("id")
    if call.id is not None:
        if said is not None:
            raise Invalid(
                "document.id",
                "'id' is not given where one composition is asked already.",
                path="Parameters.id",
            )
        return call.id
    text = call.needed("id").removeprefix(call.request.base_url + "/")
    if text.startswith(("http://", "https://")):
        raise Unsupported("document.elsewhere", "The composition is kept by another server. Ask that one.")
    return text.removeprefix("Composition/")


# -- what is in it ----------------------------------------------------------------------------------------------


def _content(call: Call, composition: Stored) -> list[Stored]:
    """What the composition needs, in the order it names it; then what that points to."""
    base = call.request.base_url
    named = list(dict.fromkeys(_needed(call, tree.parse(composition.content or b"{}"))))
    latest = chart.named(call.record, [(one.type, one.id) for one in named if one.version is None])
    found = {(one.type, one.id): one for one in latest}
    direct: dict[chart.Name, Stored] = {}
    for target in named:
        name = (target.type, target.id)
        one = found.get(name) if target.version is None else _version(call, target)
        if one is None:
            raise _missing(f"{target.type}/{target.id}")
        direct.setdefault(name, one)
    direct.pop(("Composition", composition.id), None)
    patients = sorted({one.patient for one in (composition, *direct.values()) if one.patient is not None})
    own = [composition, *direct.values()]
    added = chart.support(call.record, own, base_url=base, patients=patients, deep=True)
    earlier = chart.names_in([_earlier(composition)], base)
    return [*direct.values(), *(one for one in added if (one.type, one.id) not in earlier)]


def _version(call: Call, target: references.Target) -> Stored | None:
    assert target.version is not None
    try:
        return call.record.vread_stored(target.type, target.id, target.version)
    except NotFound:
        return None


def _missing(name: str) -> Conflict:
    return Conflict(
        "document.incomplete",
        f"The composition speaks of {name}, which is not there. No document was made of it.",
    )


def _needed(call: Call, composition: Mapping[str, Any]) -> Iterator[references.Target]:
    """The literal references that a document must hold. Raises Conflict for one to another server."""
    own = call.request.base_url + "/"
    for reference in _references(composition):
        text = reference.get("reference")
        if not isinstance(text, str) or text.startswith("#"):
            continue
        target = references.parse(text)
        if target is None or target.base not in ("", own):
            raise Conflict(
                "document.elsewhere",
                f"The composition speaks of {text[:200]}, which this record does not keep.",
            )
        yield target._replace(base="")


def _references(composition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Composition.subject, encounter, author, attester.party, custodian, event.detail, and those of its sections."""
    for name in ("subject", "encounter", "custodian"):
        if name in composition:
            yield composition[name]
    yield from composition.get("author", ())
    yield from (one["party"] for one in composition.get("attester", ()) if "party" in one)
    for event in composition.get("event", ()):
        yield from event.get("detail", ())
    yield from _of_sections(composition)


def _of_sections(holder: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for section in holder.get("section", ()):
        yield from section.get("author", ())
        if "focus" in section:
            yield section["focus"]
        yield from section.get("entry", ())
        yield from _of_sections(section)


def _earlier(composition: Stored) -> bytes:
    """The part of a composition that names earlier documents."""
    return tree.dump(tree.parse(composition.content or b"{}").get("relatesTo", []))


# -- the bundle -------------------------------------------------------------------------------------------------


def _bundle(call: Call, rows: list[Stored]) -> bytes:
    base = call.request.base_url.encode()
    identifier = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, call.record.new_id())}"
    head = tree.dump(
        {
            "resourceType": "Bundle",
            "identifier": {"system": "urn:ietf:rfc:3986", "value": identifier},
            "type": "document",
            "timestamp": instant(call.record.clock()),
        }
    )
    entries = b",".join(
        b'{"fullUrl":"%b/%b/%b","resource":%b}'
        % (base, one.type.encode(), one.id.encode(), one.content or b"{}")
        for one in rows
    )
    return head[:-1] + b',"entry":[' + entries + b"]}"


OPERATIONS = (
    Operation(
        "document", document, type_level=True, instance=True, types=frozenset({"Composition"}),
        definition="http://hl7.org/fhir/OperationDefinition/Composition-document",
    ),
)  # fmt: skip
