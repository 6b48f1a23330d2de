"""$validate: what is wrong with a resource, or would be if it were written.

Source: FHIR R4, resource-operation-validate.html. The answer is 200 with an OperationOutcome whenever the resource
could be read; what is not valid is an issue in it. ``mode`` create, update and delete say whether that act would be
let through by its rules (an id for an update, no reference left behind by a delete); ``profile`` names profiles.
"""

from __future__ import annotations

from typing import Any

from yba.fhir.access import policy
from yba.fhir.errors import Invalid, NotFound, RecordError
from yba.fhir.model import tree
from yba.fhir.record import integrity
from yba.fhir.rest.operations.call import Call, Operation, answer_tree
from yba.fhir.rest.response import Response
from yba.fhir.validation import Issue, outcome, validate
from yba.fhir.validation.enforcing import stored_definitions
from yba.fhir.validation.links import parts

Tree = Any

_MODES = frozenset({"create", "update", "delete", "profile"})


def run(call: Call) -> Response:
    """One call of the operation. Raises Invalid when there is nothing to validate, or the mode is none."""
    call.refuse_unknown(("resource", "mode", "profile"))
    mode = call.text("mode")
    if mode is not None and mode not in _MODES:
        raise Invalid(
            "validate.mode", f"The mode '{mode[:20]}' is not one of {', '.join(sorted(_MODES))}.",
            path="Parameters.mode",
        )  # fmt: skip
    profiles = call.texts("profile")
    if mode == "profile" and not profiles:
        raise Invalid("validate.profile", "The mode 'profile' needs a profile.", path="Parameters.profile")
    if mode == "delete":
        return answer_tree(outcome(_deletable(call)))
    sent = call.resource("resource")
    if sent is None:
        sent = _stored(call)
    issues = list(
        validate(
            sent, profiles=profiles, structures=stored_definitions(call.record),
            terminology=call.record.terminology(), resolve=lambda reference: _target(call, reference),
        )
    )  # fmt: skip
    return answer_tree(outcome([*_placed(call, sent, mode), *issues]))


def _stored(call: Call) -> Tree:
    """Without a resource, the stored one is meant. Raises Invalid where none is."""
    if call.type_name is None or call.id is None:
        raise Invalid(
            "validate.nothing", "There is no resource to validate: send it as the body, or as 'resource'.",
            path="Parameters.resource",
        )  # fmt: skip
    found = call.record.read_stored(call.type_name, call.id)
    return tree.parse(found.content or b"{}")


def _placed(call: Call, sent: Tree, mode: str | None) -> list[Issue]:
    """Whether the resource fits the place it is validated at, and what is to be done with it."""
    issues = []
    kind = sent.get("resourceType")
    if call.type_name is not None and kind != call.type_name:
        issues.append(
            _fault("invalid", str(kind), "type", f"The resource is a {kind}, not a {call.type_name}.")
        )
    said = sent.get("id")
    if mode == "update" and not isinstance(said, str):
        issues.append(_fault("required", f"{kind}.id", "id", "An update needs the id of the resource in it."))
    if call.id is not None and isinstance(said, str) and said != call.id:
        issues.append(
            _fault(
                "value", f"{kind}.id", "id", f"The id '{said[:64]}' is not that of the address, {call.id}."
            )
        )
    if mode == "create" and call.id is not None:
        issues.append(
            _fault(
                "duplicate",
                f"{kind}.id",
                "id",
                f"{call.type_name}/{call.id} is there; create gives a new id.",
            )
        )
    return issues


def _deletable(call: Call) -> list[Issue]:
    """Whether a delete would be let through, as far as can be told without doing it."""
    if call.type_name is None or call.id is None:
        raise Invalid("validate.delete", "The mode 'delete' is asked of one resource: [type]/[id]/$validate.")
    record = call.record
    record.read_stored(call.type_name, call.id)
    try:
        policy.check_delete(record.actor, call.type_name)
        if record.integrity:
            record.unchecked_targets.append((call.type_name, call.id))
            integrity.check(record)
    except RecordError as error:
        return [Issue("error", error.issue, call.type_name, error.key, error.message)]
    return []


def _fault(code: str, path: str, key: str, message: str) -> Issue:
    return Issue("error", code, path, f"validate.{key}", message)


def _target(call: Call, reference: str) -> Tree | None:
    """A resource of the record that the actor may read, by a relative reference."""
    said = parts(reference)
    if said is None or said["base"] is not None:
        return None
    try:
        found = call.record.read_stored(said["type"], said["id"])
    except (NotFound, RecordError):
        return None
    return tree.parse(found.content) if found.content else None


OPERATIONS = (
    Operation(
        "validate", run, type_level=True, instance=True, system=True,
        definition="http://hl7.org/fhir/OperationDefinition/Resource-validate",
    ),
)  # fmt: skip
