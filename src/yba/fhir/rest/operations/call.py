"""An operation as it is declared, and one call of it with its parameters read. FHIR R4, operations.html."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from yba.fhir.errors import Invalid, NotFound, Unsupported
from yba.fhir.model import codec, tree
from yba.fhir.r4.datatypes import Resource
from yba.fhir.record import Record
from yba.fhir.rest.content import check_sent
from yba.fhir.rest.request import FORM, Request
from yba.fhir.rest.response import Response

Tree = Any


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a call: its value as a tree with the type's name, or a resource, or parts.

    A value out of a URL has the kind "" and is text.
    """

    name: str
    kind: str = ""
    value: Tree = None
    resource: Tree = None
    parts: tuple[Parameter, ...] = ()


class Call:
    """One call: on the system, a type (``type_name``) or an instance (``id`` too)."""

    def __init__(
        self,
        record: Record,
        request: Request,
        operation: Operation,
        type_name: str | None,
        identifier: str | None,
    ) -> None:
        self.record = record
        self.request = request
        self.operation = operation
        self.type_name = type_name
        self.id = identifier
        self.parameters: list[Parameter] = list(_parameters(request, operation))

    def all(self, name: str) -> list[Parameter]:
        """Every parameter of the name."""
        return [one for one in self.parameters if one.name == name]

    def one(self, name: str) -> Parameter | None:
        """The parameter of the name. Raises Invalid when it is given more than once."""
        found = self.all(name)
        if len(found) > 1:
            raise Invalid(
                "operation.repeated", f"'{name}' may be given once only.", path=f"Parameters.{name}"
            )
        return found[0] if found else None

    def texts(self, name: str) -> list[str]:
        """Every value of the name as text."""
        return [self.plain(one) for one in self.all(name)]

    def text(self, name: str) -> str | None:
        """The value of the name as text."""
        found = self.one(name)
        return None if found is None else self.plain(found)

    def needed(self, name: str) -> str:
        """The value of a parameter that must be given."""
        found = self.text(name)
        if not found:
            raise Invalid(
                "operation.missing", f"${self.operation.name} needs the parameter '{name}'.",
                path=f"Parameters.{name}",
            )  # fmt: skip
        return found

    def flag(self, name: str, *, default: bool = False) -> bool:
        """The value of the name as true or false."""
        found = self.text(name)
        if found is None:
            return default
        if found not in ("true", "false"):
            raise self._wrong(name, "true or false", found)
        return found == "true"

    def number(self, name: str) -> int | None:
        """The value of the name as a whole number from 0."""
        found = self.text(name)
        if found is None:
            return None
        if not found.isascii() or not found.isdigit() or len(found) > 9:
            raise self._wrong(name, "a whole number from 0", found)
        return int(found)

    def value(self, name: str) -> Tree | None:
        """The value of the name as a tree (a Coding, a CodeableConcept, ...); text when it stood in the URL."""
        found = self.one(name)
        return None if found is None else found.value

    def resource(self, name: str) -> Tree | None:
        """The resource of the name as a tree."""
        found = self.one(name)
        if found is None:
            return None
        if found.resource is None:
            raise self._wrong(name, "a resource", "a value")
        return found.resource

    def refuse_unknown(self, known: Sequence[str]) -> None:
        """Raise Invalid for a parameter the operation has not."""
        for one in self.parameters:
            if one.name not in known:
                raise Invalid(
                    "operation.parameter",
                    f"${self.operation.name} has no parameter '{one.name[:50]}'; it takes {', '.join(known)}.",
                    path=f"Parameters.{one.name[:50]}",
                )

    def plain(self, one: Parameter) -> str:
        """The value of a parameter as text. Raises Invalid for a resource or a value that has parts."""
        if isinstance(one.value, bool):
            return "true" if one.value else "false"
        if isinstance(one.value, str | int | Decimal):
            return str(one.value)
        raise self._wrong(
            one.name, "a plain value", "a complex one" if one.resource is None else "a resource"
        )

    def _wrong(self, name: str, wanted: str, found: str) -> Invalid:
        return Invalid(
            "operation.value",
            f"The parameter '{name}' takes {wanted}, not '{found[:50]}'.",
            path=f"Parameters.{name}",
        )


@dataclass(frozen=True, slots=True)
class Operation:
    """A named operation: where it may be called, and what answers.

    ``types`` None: every resource type. ``changes``: it changes something, so GET is refused
    (operations.html#executing). ``body``: the name of the parameter a bare resource in the body stands for.
    """

    name: str
    run: Callable[[Call], Response]
    system: bool = False
    type_level: bool = False
    instance: bool = False
    types: frozenset[str] | None = None
    changes: bool = False
    body: str = "resource"
    definition: str = ""
    also: frozenset[str] = field(default_factory=frozenset)  # further methods taken, e.g. DELETE

    def takes(self, type_name: str | None, identifier: str | None) -> bool:
        """Whether it may be called at this place."""
        if type_name is None:
            return self.system
        if self.types is not None and type_name not in self.types:
            return False
        return self.instance if identifier is not None else self.type_level


def call(
    operations: Sequence[Operation], record: Record, request: Request, name: str,
    type_name: str | None = None, identifier: str | None = None,
) -> Response:  # fmt: skip
    """Call the operation of a name at a place. Raises NotFound, Unsupported (405), and what it raises itself."""
    named = [one for one in operations if one.name == name]
    if not named:
        raise NotFound("operation.unknown", f"There is no operation '${name[:50]}' here.")
    operation = next((one for one in named if one.takes(type_name, identifier)), None)
    if operation is None:
        raise NotFound("operation.place", f"'${name}' is not offered on {_place(type_name, identifier)}.")
    methods = {"POST", *operation.also} if operation.changes else {"GET", "HEAD", "POST", *operation.also}
    if request.method not in methods:
        raise MethodNotAllowed(
            "rest.method",
            f"${name} is called by {' or '.join(sorted(methods - {'HEAD'}))}.",
            allowed=", ".join(sorted(methods)),
        )
    return operation.run(Call(record, request, operation, type_name, identifier))


class MethodNotAllowed(Unsupported):
    """The operation is there and does not take this method."""

    status = 405


def _place(type_name: str | None, identifier: str | None) -> str:
    if type_name is None:
        return "the whole record"
    return f"one {type_name}" if identifier is not None else f"the type {type_name}"


def _parameters(request: Request, operation: Operation) -> Iterator[Parameter]:
    for name, value in request.query:
        if name not in ("_format", "_pretty"):
            yield Parameter(name, value=value)
    if request.method != "POST":
        return
    said = (request.environ.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
    if said == FORM:
        for name, value in request.form:
            yield Parameter(name, value=value)
        return
    body = request.body()
    if not body.strip():
        return
    check_sent(request)
    sent = tree.parse(request.body())
    if not isinstance(sent, dict) or not isinstance(sent.get("resourceType"), str):
        raise Invalid("operation.body", "The body is a Parameters resource or a resource in JSON.")
    if sent["resourceType"] == "Parameters":
        yield from parts(sent.get("parameter", []), "Parameters.parameter")
    else:
        yield Parameter(operation.body, resource=sent)


def parts(sent: Tree, path: str) -> Iterator[Parameter]:
    """The parameters of a Parameters resource, or the parts of one. Raises Invalid with the path."""
    if not isinstance(sent, list):
        raise Invalid("operation.body", f"{path} is a list.", path=path)
    for number, one in enumerate(sent):
        here = f"{path}[{number}]"
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise Invalid("operation.body", f"{here} needs a name.", path=f"{here}.name")
        values = [(key, value) for key, value in one.items() if key.startswith("value")]
        if len(values) > 1:
            raise Invalid("operation.body", f"{here} has more than one value.", path=here)
        resource = one.get("resource")
        if resource is not None and not (
            isinstance(resource, dict) and isinstance(resource.get("resourceType"), str)
        ):
            raise Invalid("operation.body", f"{here}.resource is no resource.", path=f"{here}.resource")
        kind, value = values[0] if values else ("value", None)
        yield Parameter(
            one["name"],
            kind.removeprefix("value"),
            value,
            resource,
            tuple(parts(one.get("part", []), f"{here}.part")),
        )


# -- answers -------------------------------------------------------------------------------------------------


def answer(resource: Resource, status: int = 200) -> Response:
    """A typed resource as the answer."""
    return Response(status, codec.encode(resource))


def answer_tree(resource: Tree, status: int = 200) -> Response:
    """A resource as a tree as the answer."""
    return Response(status, tree.dump(resource))


def parameters(*found: dict[str, Tree]) -> Response:
    """A Parameters resource of these parameters (``{"name": ..., "valueBoolean": ...}``) as the answer."""
    return answer_tree({"resourceType": "Parameters", "parameter": list(found)} if found
                       else {"resourceType": "Parameters"})  # fmt: skip
