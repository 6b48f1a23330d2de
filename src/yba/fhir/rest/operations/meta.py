"""$meta, $meta-add and $meta-delete: the profiles, tags and security labels of a resource, and those in use.

Source: FHIR R4, resource-operation-meta.html, -meta-add.html and -meta-delete.html; resource.html#Meta. R4 leaves it to
the server whether a change of labels makes a new version. Here it does: a label decides who may see a row and what a
profile promises, so the history says who changed it, and If-Match holds against it. Nothing but ``meta`` changes, and
where every label is there already (or gone already) nothing is stored at all.

A label is known by system and code, a profile by its URL. The tag of the facility that keeps a resource stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from yba.fhir.access import policy
from yba.fhir.errors import Forbidden, Invalid
from yba.fhir.model import codec, tree
from yba.fhir.r4 import MODULES
from yba.fhir.record import reading
from yba.fhir.record.failures import translated
from yba.fhir.rest.operations.call import Call, Operation, Tree, parameters
from yba.fhir.rest.response import Response
from yba.fhir.search.parameters import param_number
from yba.fhir.store.rows import Stored, execute

_LABELS = ("tag", "security")


class _Unchanged(Exception):
    """There is nothing to store: the meta as it is."""

    def __init__(self, meta: Tree) -> None:
        super().__init__()
        self.meta = meta


# -- what there is ---------------------------------------------------------------------------------------------


def read(call: Call) -> Response:
    """The meta of a resource, of one version of it, or all labels in use."""
    call.refuse_unknown(())
    if call.type_name is None or call.id is None:
        return _returned(_in_use(call))
    path = call.request.path
    if len(path) == 5:
        stored = call.record.vread_stored(call.type_name, call.id, path[3])
    else:
        stored = call.record.read_stored(call.type_name, call.id)
    return _returned(_meta_of(stored))


def _meta_of(stored: Stored) -> Tree:
    found = tree.parse(stored.content or b"{}")
    return found.get("meta", {})


def _returned(meta: Tree) -> Response:
    """The labels as ``return``; without any there is none, for no element of FHIR is empty (json.html)."""
    return parameters({"name": "return", "valueMeta": meta}) if meta else parameters()


# Each step jumps to the next label behind the last one, so that a million rows under one tag cost one step.
_LABELS_IN_USE = """
select distinct found.system::varchar, found.code::varchar from unnest(%(params)s::int4[]) as asked(param),
lateral (
    with recursive step(system, code) as (
        (select x.system, x.code from record.token x where x.param = asked.param and x.system is not null
            and x.code is not null order by x.code, x.system limit 1)
        union all
        select next.system, next.code from step, lateral (
            select x.system, x.code from record.token x
             where x.param = asked.param and (x.code, x.system) > (step.code, step.system)
             order by x.code, x.system limit 1) next)
    select system, code from step
    union all
    select distinct null, x.code from record.token x
     where x.param = asked.param and x.system is null and x.code is not null) found
 order by 1 nulls first, 2"""
_PROFILES_IN_USE = """
select distinct found.value::varchar from unnest(%(params)s::int4[]) as asked(param),
lateral (
    with recursive step(value) as (
        (select x.value from record.uri x where x.param = asked.param order by x.value limit 1)
        union all
        select next.value from step, lateral (
            select x.value from record.uri x where x.param = asked.param and x.value > step.value
             order by x.value limit 1) next)
    select value from step) found
 order by 1"""


def _in_use(call: Call) -> Tree:
    """All labels of a type, or of every type. Raises Forbidden where rows are hidden from the actor: labels tell."""
    record = call.record
    types = [call.type_name] if call.type_name is not None else list(MODULES)
    if not all(policy.sees_all(record.actor, name) for name in types):
        raise Forbidden(
            "meta.in-use",
            "The labels in use are told to who may see every resource of the type. Ask for $meta of one resource.",
        )
    record.audit("search", type_name=call.type_name, detail="$meta")
    meta: dict[str, Any] = {}
    with translated:
        profiles = _found(call, _PROFILES_IN_USE, types, "_profile")
        if profiles:
            meta["profile"] = [url for (url,) in profiles]
        for name in ("security", "tag"):
            labels = _found(call, _LABELS_IN_USE, types, f"_{name}")
            if labels:
                meta[name] = [
                    {"system": system, "code": code} if system else {"code": code} for system, code in labels
                ]
    return meta


def _found(call: Call, query: str, types: Sequence[str], code: str) -> list[tuple[Any, ...]]:
    params = [param_number(name, code) for name in types]
    return execute(call.record.connection, query, {"params": params}).fetchall()


# -- changes -----------------------------------------------------------------------------------------------------


def add(call: Call) -> Response:
    """Add what is not there yet."""
    return _changed(call, _added)


def delete(call: Call) -> Response:
    """Take away what is there."""
    return _changed(call, _taken_away)


def _changed(call: Call, change: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]) -> Response:
    call.refuse_unknown(("meta",))
    sent = _sent(call)
    assert call.type_name is not None
    assert call.id is not None

    def labelled(content: bytes) -> bytes:
        resource = tree.parse(content)
        meta = resource.get("meta", {})
        new = change(meta, sent)
        if new == meta:
            raise _Unchanged(meta)
        return tree.dump({"resourceType": resource["resourceType"]} | resource | {"meta": new})

    try:
        stored = call.record.patch(call.type_name, call.id, labelled, if_match=call.request.if_match())
    except _Unchanged as unchanged:
        reading.read_stored(call.record, call.type_name, call.id)  # noted as the read it was
        return _returned(unchanged.meta)
    return _returned(_meta_of(stored))


def _sent(call: Call) -> dict[str, Any]:
    """The meta that is given. Raises Invalid where it is none."""
    sent = call.value("meta")
    if not isinstance(sent, dict):
        raise Invalid(
            "operation.missing", f"${call.operation.name} needs the parameter 'meta' with a valueMeta.",
            path="Parameters.meta",
        )  # fmt: skip
    codec.decode(tree.dump({"resourceType": "Basic", "meta": sent, "code": {"text": "-"}}))
    return sent


def _key(label: Tree) -> tuple[Any, Any]:
    return label.get("system"), label.get("code")


def _added(meta: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    new = dict(meta)
    fresh = [url for url in dict.fromkeys(sent.get("profile", ())) if url not in meta.get("profile", ())]
    if fresh:
        new["profile"] = [*meta.get("profile", ()), *fresh]
    for name in _LABELS:
        known = {_key(one) for one in meta.get(name, ())}
        kept = list(meta.get(name, ()))
        for one in sent.get(name, ()):
            if _key(one) not in known:
                known.add(_key(one))
                kept.append(one)
        if kept:
            new[name] = kept
    return new


def _taken_away(meta: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    new = dict(meta)
    gone: dict[str, set[Any]] = {name: {_key(one) for one in sent.get(name, ())} for name in _LABELS}
    for one in meta.get("tag", ()):
        if one.get("system") == policy.FACILITY_TAG and _key(one) in gone["tag"]:
            raise Invalid(
                "meta.facility",
                "The tag of the facility that keeps the resource is not taken away.",
                path="Parameters.meta.tag",
            )
    kept: dict[str, list[Any]] = {
        "profile": [url for url in meta.get("profile", ()) if url not in sent.get("profile", ())],
        **{name: [one for one in meta.get(name, ()) if _key(one) not in gone[name]] for name in _LABELS},
    }
    for name, left in kept.items():
        if left:
            new[name] = left
        else:
            new.pop(name, None)
    return new


_DEFINITION = "http://hl7.org/fhir/OperationDefinition/Resource-meta"
OPERATIONS = (
    Operation("meta", read, system=True, type_level=True, instance=True, definition=_DEFINITION),
    Operation("meta-add", add, instance=True, changes=True, definition=_DEFINITION + "-add"),
    Operation("meta-delete", delete, instance=True, changes=True, definition=_DEFINITION + "-delete"),
)
