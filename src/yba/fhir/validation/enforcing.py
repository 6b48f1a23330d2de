"""Profiles that a write must meet: guards of the record, made once from the server's configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yba.fhir.errors import NotValid
from yba.fhir.model import codec, tree
from yba.fhir.r4 import MODULES
from yba.fhir.validation.definitions import Definitions
from yba.fhir.validation.judging import validate

if TYPE_CHECKING:
    from yba.fhir.r4.datatypes import Resource
    from yba.fhir.record import Guard, Record


class Enforced:
    """Which profiles resources must meet when they are written.

    ``profiles``: type -> canonical urls every resource of the type must meet. ``named``: canonical urls that are
    enforced where a resource names them in ``meta.profile``; ``*`` enforces every profile that is named.
    """

    def __init__(
        self, profiles: Mapping[str, Sequence[str]] | None = None, named: Sequence[str] = ()
    ) -> None:
        self.profiles = {name: tuple(urls) for name, urls in (profiles or {}).items()}
        unknown = sorted(set(self.profiles) - set(MODULES))
        if unknown:
            raise ValueError(f"not resource types: {', '.join(unknown)}")
        self.named = frozenset(named)

    def guards(self, others: Mapping[str, Sequence[Guard]] | None = None) -> Mapping[str, Sequence[Guard]]:
        """The guards of every type concerned, after those given."""
        types = list(MODULES) if self.named else list(self.profiles)
        found: dict[str, Sequence[Guard]] = dict(others or {})
        for name in types:
            found[name] = (*found.get(name, ()), self.check)
        return found

    def check(self, record: Record, old: Resource | None, new: Resource | None) -> None:
        """Raise NotValid when what is to be stored breaks what it must meet."""
        if new is None:
            return
        kind = type(new).__name__
        asked = self.profiles.get(kind, ())
        if not asked and not self._names(new):
            return
        body = tree.parse(codec.encode(new))
        issues = validate(
            body, profiles=asked, structures=stored_definitions(record.as_system()), terminology=record.terminology(),
        )  # fmt: skip
        faults = [one for one in issues if one.is_fault]
        if faults:
            raise NotValid(
                "validation.profile", f"The {kind} is not valid: {faults[0].message}", path=faults[0].path,
                issues=issues,
            )  # fmt: skip

    def _names(self, resource: Any) -> bool:
        said = getattr(getattr(resource, "meta", None), "profile", None) or ()
        return any(
            "*" in self.named or one in self.named or one.partition("|")[0] in self.named for one in said
        )


def stored_definitions(record: Record) -> Definitions:
    """Profiles of the record's own, those the actor may read, before those published."""
    from yba.fhir.terminology.stored import RecordShelf

    shelf = RecordShelf(lambda: record.connection, record.may)
    return Definitions(find=lambda url, version: shelf.resource("StructureDefinition", url, version))
