"""``$viewdefinition-run``, ``$viewdefinition-export`` and ``$materialize``: views over the record. SQL on FHIR v2.

A ViewDefinition is no resource of R4, so none is stored here: each call brings its own as ``viewResource``. The names
``$run`` and ``$export`` on ``/ViewDefinition`` are those of earlier drafts and do the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from yba.fhir.access.policy import may_call
from yba.fhir.errors import Conflict, Forbidden, Gone, Invalid, NotFound, TooCostly, Unsupported
from yba.fhir.model import tree
from yba.fhir.model.dates import period_of
from yba.fhir.model.references import parse
from yba.fhir.r4.group import Group
from yba.fhir.rest.content import accepted as accepted_kinds
from yba.fhir.rest.operations import jobs
from yba.fhir.rest.operations.call import Call, Operation, Parameter
from yba.fhir.rest.response import Response
from yba.fhir.store.rows import execute
from yba.fhir.views import definition, exporting, inline, stored
from yba.fhir.views.definition import NAME, View
from yba.fhir.views.parquet import parquet_of
from yba.fhir.views.table import MEDIA, Table, written

LARGEST = 32 * 1024 * 1024
SECONDS = 60
_RUN = (
    "viewReference", "viewResource", "_format", "header", "patient", "group", "_since", "_limit", "resource",
    "source",
)  # fmt: skip
_EXPORT = ("view", "clientTrackingId", "_format", "header", "patient", "group", "_since", "source")
_MATERIALIZE = ("view", "targetName", "updatePolicy", "schedule", "patient", "group", "_since", "source")


class Missing(NotFound):
    """A patient or group of the parameters is not there; the specification answers 400."""

    status = 400


# -- run -----------------------------------------------------------------------------------------------------


def run(call: Call) -> Response:
    """The rows of a view at once, in the format asked for."""
    _refuse(call, _RUN)
    view, _ = _view(call.all("viewResource"), call.all("viewReference"), "viewResource")
    form, header, limit = _format(call), call.flag("header", default=True), call.number("_limit")
    given = [one.resource for one in call.all("resource")]
    if any(one is None for one in given):
        raise Invalid("views.resource", "'resource' holds a resource.", path="Parameters.resource")
    narrowed = _narrowed(call)
    if given:
        if narrowed != stored.Narrowed():
            raise Invalid(
                "views.narrowed", "patient, group and _since narrow the record, not resources that are sent."
            )
        table = inline.run_over(call.record.connection, view, given)
        rows = list(table.rows)[:limit] if limit is not None else table.rows
        return _answer(Table(table.columns, rows), form, header=header)
    asked = stored.question(view, call.record.actor, narrowed, limit, now=call.record.clock())
    with stored.opened(call.record.connection, asked, seconds=SECONDS) as table:
        answer = _answer(table, form, header=header)
    # Rows of a view over the whole record may be sums: these are noted with their columns, not with persons.
    call.record.audit(
        "operation", type_name=view.resource, detail=f"view {view.name or ''}: {_columns(view)}",
        patients=narrowed.patients or (),
    )  # fmt: skip
    return answer


def _columns(view: View) -> str:
    return ", ".join(view.columns)[:500]


def _answer(table: Table, form: str, *, header: bool) -> Response:
    if form == "parquet":
        with tempfile.TemporaryDirectory(prefix="yba-run-") as folder:
            path = Path(folder) / "rows.parquet"
            parquet_of(table, path)
            if path.stat().st_size > LARGEST:
                raise _too_large()
            return Response(200, path.read_bytes(), content_type=MEDIA[form])
    return Response(200, b"".join(_bounded(written(table, form, header=header))), content_type=MEDIA[form])


def _bounded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > LARGEST:
            raise _too_large()
        yield piece


def _too_large() -> TooCostly:
    return TooCostly(
        "views.too-large",
        f"The rows are larger than {LARGEST // 1024 // 1024} MB. Narrow the view with patient, _since or where, "
        "set _limit, or use $viewdefinition-export.",
    )


def _format(call: Call, default: str = "json") -> str:
    said = next((value for name, value in call.request.query if name == "_format"), None) or call.text(
        "_format"
    )
    if said is not None:
        plain = said.partition(";")[0].strip().lower()
        known = {**_BY_MEDIA, **{name: name for name in MEDIA}}
        if plain not in known:
            raise Unsupported(
                "views.format",
                f"Format '{said[:40]}' is not offered. Offered: {', '.join(MEDIA)}.",
                path="_format",
            )
        return known[plain]
    for kind, _ in sorted(accepted_kinds(call.request.header("ACCEPT") or ""), key=lambda one: -one[1]):
        if kind in _BY_MEDIA:
            return _BY_MEDIA[kind]
    return default


_BY_MEDIA = {
    "application/json": "json", "application/x-ndjson": "ndjson", "application/ndjson": "ndjson", "text/csv": "csv",
    "application/octet-stream": "parquet", "application/vnd.apache.parquet": "parquet",
}  # fmt: skip


# -- export --------------------------------------------------------------------------------------------------


def export(call: Call) -> Response:
    """Begin to write views to files; 202 with the place to look."""
    _refuse(call, _EXPORT)
    if not may_call(call.record.actor, "views"):
        raise Forbidden("access.export", "This role writes no views to files. Ask the records office.")
    _asynchronous(call)
    services = call.request.services
    if services is None or services.files is None:
        raise Unsupported("views.no-files", "This server has no folder for exported files.")
    narrowed = _narrowed(call)
    params = {
        "views": _views(call, narrowed),
        "format": _format(call, "ndjson") if _asked_format(call) else "ndjson",
        "header": call.flag("header", default=True),
        "tracking": call.text("clientTrackingId"),
        **_kept(narrowed),
    }
    return jobs.accepted(call.record, call.request, exporting.EXPORT, params)


def _asked_format(call: Call) -> bool:
    return call.one("_format") is not None or any(name == "_format" for name, _ in call.request.query)


def _views(call: Call, narrowed: stored.Narrowed) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for number, one in enumerate(call.all("view"), 1):
        view, text = _view(_parts(one, "viewResource"), _parts(one, "viewReference"), "view.viewResource")
        stored.question(view, call.record.actor, narrowed)
        name = next((str(part.value) for part in _parts(one, "name")), None) or view.name or f"view_{number}"
        if not NAME.fullmatch(name) or len(name) > 60:
            raise Invalid(
                "views.name",
                f"'{name[:60]}': a name has letters, digits and underscores only.",
                path="view.name",
            )
        if any(before["name"] == name for before in found):
            raise Invalid("views.name", f"Two views are named '{name}'.", path="view.name")
        found.append({"name": name, "definition": text})
    if not found:
        raise Invalid(
            "views.view", "$viewdefinition-export needs a parameter 'view'.", path="Parameters.view"
        )
    return found


def _parts(one: Parameter, name: str) -> list[Parameter]:
    return [part for part in one.parts if part.name == name]


def _kept(narrowed: stored.Narrowed) -> dict[str, Any]:
    return {
        "patients": None if narrowed.patients is None else list(narrowed.patients),
        "since": None if narrowed.since is None else narrowed.since.isoformat(),
    }


# -- materialize ---------------------------------------------------------------------------------------------


def materialize(call: Call) -> Response:
    """Begin to make a table of a view, or to make it anew when the view is the same; 202 with the place to look."""
    if not may_call(call.record.actor, "materialize"):
        raise Forbidden("access.materialize", "Tables of views are made by the operator of the record only.")
    _refuse(call, _MATERIALIZE)
    _asynchronous(call)
    target = call.needed("targetName")
    if not NAME.fullmatch(target) or len(target) > 63 or target.startswith("making_"):
        raise Invalid(
            "views.name",
            f"'{target[:60]}': a name has letters, digits and underscores only.",
            path="targetName",
        )
    policy = call.text("updatePolicy") or "manual"
    if policy != "manual" or call.one("schedule") is not None:
        raise Unsupported(
            "views.policy",
            "Only updatePolicy 'manual' is offered: call again to refresh.",
            path="updatePolicy",
        )
    whole = call.one("view")
    if whole is None:
        raise Invalid("views.view", "$materialize needs a parameter 'view'.", path="Parameters.view")
    view, text = _view(_parts(whole, "viewResource"), _parts(whole, "viewReference"), "view.viewResource")
    narrowed = _narrowed(call)
    for column in stored.question(view, call.record.actor, narrowed).made.columns:
        exporting.table_type(column)
    row = execute(
        call.record.connection, "select definition::varchar from record.view_table where name = %s", (target,)
    ).fetchone()
    if row is not None and row[0] != text:
        raise Conflict(
            "views.exists", f"A table '{target}' of another view is there already. Choose another targetName."
        )
    params = {"target": target, "definition": text, **_kept(narrowed)}
    return jobs.accepted(call.record, call.request, exporting.MATERIALIZE, params)


# -- parameters ----------------------------------------------------------------------------------------------


def _refuse(call: Call, known: tuple[str, ...]) -> None:
    call.refuse_unknown(known)
    if call.one("source") is not None:
        raise Unsupported(
            "views.source", "The server does not support the 'source' parameter.", path="source"
        )


def _asynchronous(call: Call) -> None:
    if "respond-async" not in (call.request.header("PREFER") or ""):
        raise Invalid("views.prefer", "This takes a while: send the header 'Prefer: respond-async'.")


def _view(inside: list[Parameter], references: list[Parameter], name: str) -> tuple[View, str]:
    """The view of a call and its JSON. Raises Invalid with the place in the view."""
    if references:
        raise Unsupported(
            "views.reference", "Views are not stored here; send the ViewDefinition itself as 'viewResource'.",
            path="viewReference",
        )  # fmt: skip
    if len(inside) != 1 or inside[0].resource is None:
        raise Invalid("views.view", f"The parameter '{name}' with one ViewDefinition is needed.", path=name)
    given = inside[0].resource
    return definition.read(given), tree.dump(given).decode()


def _narrowed(call: Call) -> stored.Narrowed:
    since = call.text("_since")
    patients = [_reference(one, "Patient") for one in call.all("patient")]
    groups = [_reference(one, "Group") for one in call.all("group")]
    for one in patients:
        _there(call, "Patient", one)
    found: set[str] | None = set(patients) if patients else None
    if groups:
        members = {member for one in groups for member in _members(call, one)}
        found = members if found is None else found & members
    return stored.Narrowed(
        tuple(sorted(found)) if found is not None else None, _moment(since) if since is not None else None
    )


def _reference(one: Parameter, type_name: str) -> str:
    text = one.value.get("reference") if isinstance(one.value, dict) else one.value
    if isinstance(text, str) and "/" not in text:
        text = f"{type_name}/{text}"
    target = parse(text) if isinstance(text, str) else None
    if target is None or target.type != type_name or target.base:
        raise Invalid("views.reference", f"'{one.name}' is a reference to a {type_name}.", path=one.name)
    return target.id


def _there(call: Call, type_name: str, identifier: str) -> None:
    try:
        call.record.read_stored(type_name, identifier)
    except (NotFound, Gone):
        raise Missing(
            "views.not-found", f"{type_name} with id '{identifier}' not found.", path=type_name.lower()
        ) from None


def _members(call: Call, identifier: str) -> Iterator[str]:
    _there(call, "Group", identifier)
    for member in call.record.read(Group, identifier).member:
        target = parse(member.entity.reference or "")
        if target is not None and target.type == "Patient" and not target.base and not member.inactive:
            yield target.id


def _moment(text: str) -> datetime:
    try:
        return period_of(text.replace(" ", "+"))[0]
    except (Invalid, ValueError, OverflowError):
        raise Invalid(
            "views.since", f"'_since' takes an instant, not '{text[:50]}'.", path="_since"
        ) from None


_OWN = frozenset({"ViewDefinition"})
_DEFINED = "http://sql-on-fhir.org/OperationDefinition/"
OPERATIONS = (
    Operation(
        "viewdefinition-run", run, system=True, type_level=True, types=_OWN, body="viewResource",
        definition=f"{_DEFINED}$viewdefinition-run",
    ),
    Operation(
        "run", run, type_level=True, types=_OWN, body="viewResource", definition=f"{_DEFINED}$run"
    ),
    Operation(
        "viewdefinition-export", export, system=True, type_level=True, types=_OWN, changes=True,
        definition=f"{_DEFINED}$viewdefinition-export",
    ),
    Operation(
        "export", export, type_level=True, types=_OWN, changes=True,
        definition=f"{_DEFINED}$viewdefinition-export",
    ),
    Operation(
        "materialize", materialize, system=True, type_level=True, types=_OWN, changes=True,
        definition=f"{_DEFINED}$materialize",
    ),
)  # fmt: skip
