"""From an element to those below it: by name, by the type of a choice, by extension, by reference.

What is known of types comes from R4's StructureDefinitions; where the type is not known (in a contained resource,
say) the data themselves are asked. FHIRPath 5.2.4, 6.3; FHIR R4, fhirpath.html#functions; SQL on FHIR v2,
ViewDefinition, Required Additional Functions.
"""

from __future__ import annotations

from functools import lru_cache

from yba.fhir.model import structures
from yba.fhir.views import forms
from yba.fhir.views.dialect import Dialect
from yba.fhir.views.value import ABSTRACT, Choice, Step, Value, family, refused

SYSTEM = "http://hl7.org/fhirpath/System."
_UNKNOWN_TO_R4 = frozenset({"integer64"})
_FHIRPATH_NAMES = {
    "String": "string", "Boolean": "boolean", "Integer": "integer", "Decimal": "decimal", "Date": "date",
    "DateTime": "dateTime", "Time": "time", "Quantity": "Quantity",
}  # fmt: skip


@lru_cache(maxsize=4096)
def _element(where: str, name: str) -> tuple[str | None, bool, tuple[tuple[str, str], ...]] | None:
    """The type, whether it repeats, and the alternatives of a choice; None when there is no such element."""
    known = structures.structure(where.partition(".")[0])
    if known is None:
        return None
    for element in known.children(where):
        if element.slice_name is None and element.is_choice and element.name == name:
            alternatives = tuple(
                (element.name + kind.code[0].upper() + kind.code[1:], kind.code) for kind in element.types
            )
            return None, False, alternatives
    found = known.properties(where).get(name)
    if found is None:
        return None
    element, code = found
    below = structures.below(where, element, code)
    if below.startswith(SYSTEM):
        below = _FHIRPATH_NAMES.get(below.removeprefix(SYSTEM), "string")
    return below, element.max is None or element.max > 1, ()


def is_known(type_name: str) -> bool:
    return structures.structure(type_name.partition(".")[0]) is not None


def member(value: Value, name: str, d: Dialect) -> Value:
    """The element of this name. Refuses a name the type does not have."""
    where = value.type
    kind = family(where)
    if kind not in {None, "complex"}:
        return _beside(value, name, d)
    if where is None or where in ABSTRACT or not is_known(where):
        return _step(value, name, None, None, d)
    found = _element(where, name)
    if found is None:
        raise refused(f"{where} has no element '{name[:80]}'.")
    type_name, repeats, alternatives = found
    if alternatives:
        return _choice(value, alternatives, d)
    return _step(value, name, repeats, type_name, d)


def _step(value: Value, name: str, repeats: bool | None, type_name: str | None, d: Dialect) -> Value:
    if not value.many and repeats is False:
        return Value(d.member(value.sql, name), "item", type_name, origin=(value, ((name, False),)))
    base = value
    steps: tuple[Step, ...] = ((name, repeats),)
    if value.many and value.origin is not None:
        base, before = value.origin
        steps = (*before, *steps)
    reach = d.members_of_list if base.many else d.members
    return Value(reach(base.sql, steps), "list", type_name, origin=(base, steps))


def _choice(value: Value, alternatives: tuple[tuple[str, str], ...], d: Dialect) -> Value:
    names = [name for name, _ in alternatives]
    chosen = Choice(value, alternatives)
    if value.many:
        return Value(d.map(value.sql, lambda item: d.named(item, names)), "list", None, choice=chosen)
    return Value(d.named(value.sql, names), "item", None, choice=chosen)


def _beside(value: Value, name: str, d: Dialect) -> Value:
    """``id`` and ``extension`` of a simple element, which JSON keeps in ``_name`` (FHIR R4, json.html#primitive)."""
    if name not in {"id", "extension"}:
        raise refused(f"A {value.type} has no element '{name[:80]}'.")
    if value.origin is None:
        return Value(d.empty, "list", "Extension" if name == "extension" else "string")
    base, steps = value.origin
    last, repeats = steps[-1]
    reach = d.members_of_list if base.many else d.members
    path = (*steps[:-1], ("_" + last, repeats), (name, name == "extension"))
    return Value(reach(base.sql, path), "list", "Extension" if name == "extension" else "string")


# -- types ---------------------------------------------------------------------------------------------------


def type_named(name: str) -> str:
    """The FHIR type a specifier names (``Quantity``, ``FHIR.Quantity``, ``System.String``)."""
    plain = name.removeprefix("FHIR.")
    if plain.startswith("System."):
        plain = _FHIRPATH_NAMES.get(plain.removeprefix("System."), plain)
    elif plain in _FHIRPATH_NAMES and plain != "Quantity":
        plain = _FHIRPATH_NAMES[plain]
    if not is_known(plain) and plain not in _UNKNOWN_TO_R4:
        raise refused(f"'{name[:80]}' is not a type of FHIR R4.")
    return plain


@lru_cache(maxsize=2048)
def is_a(type_name: str, wanted: str) -> bool:
    """Whether a type is another or comes of it (``code`` of ``string``)."""
    name: str | None = type_name
    while name:
        if name == wanted:
            return True
        known = structures.structure(name)
        name = known.base.rpartition("/")[2] if known is not None and known.base else None
    return False


def _counts_as(type_name: str, wanted: str) -> bool:
    """Whether ``ofType`` keeps a type: HL7's tests take a ``code`` for no ``string`` there, though ``is`` does."""
    return type_name == wanted or (not structures.is_primitive(wanted) and is_a(type_name, wanted))


def of_type(value: Value, wanted: str, d: Dialect) -> Value:
    """Those values that are of a type (``ofType``, ``as``)."""
    if value.choice is not None:
        names = [(name, kind) for name, kind in value.choice.alternatives if _counts_as(kind, wanted)]
        if not names:
            name, kind = value.choice.alternatives[0]
            other = name[: len(name) - len(kind)] + wanted[0].upper() + wanted[1:]
            return _step(value.choice.parent, other, False, wanted, d)
        if len(names) == 1:
            return _step(value.choice.parent, names[0][0], False, names[0][1], d)
        return _choice(value.choice.parent, tuple(names), d).typed(wanted)
    if value.type is not None and value.type not in ABSTRACT:
        if _counts_as(value.type if "." not in value.type else "BackboneElement", wanted):
            return value
        return Value(d.empty, "list", wanted)
    known = structures.structure(wanted)
    if known is not None and known.kind == "resource":
        found = d.where(
            forms.items(value, d),
            lambda item: f"{d.member_text(item, 'resourceType')} = {d.quoted(wanted)}",
        )
        return Value(found, "list", wanted)
    raise refused(
        f"ofType({wanted}) stands right after the element whose type is to be chosen, as in value.ofType({wanted})."
    )


def is_type(value: Value, wanted: str, d: Dialect) -> str:
    """Whether one value is of a type, as a condition; null for none."""
    if value.choice is not None and not value.many:
        chosen = of_type(value, wanted, d)
        there = f"{chosen.sql} is not null" if not chosen.many else "false"
        return f"(case when {value.sql} is not null then {there} end)"
    single = forms.one(value, d, "is")
    if single.type is None or single.type in ABSTRACT:
        return f"({d.member_text(single.sql, 'resourceType')} = {d.quoted(wanted)})"
    answer = "true" if is_a(single.type, wanted) else "false"
    return f"(case when {single.sql} is not null then {answer} end)"


# -- extensions and keys -------------------------------------------------------------------------------------


def extension(value: Value, url: str, d: Dialect) -> Value:
    """Extensions of this url (FHIR R4, fhirpath.html#functions)."""
    found = member(value, "extension", d)
    kept = d.where(found.sql, lambda item: f"{d.member_text(item, 'url')} = {d.quoted(url)}")
    return Value(kept, "list", "Extension")


def resource_key(root: Value, d: Dialect) -> Value:
    """The id of the resource: ids are unique within a type here."""
    return Value(d.member_text(root.sql, "id"), "text", "id")


_ID = r"([A-Za-z0-9.\-]{1,64})(?:/_history/[A-Za-z0-9.\-]{1,64})?$"


def reference_key(value: Value, wanted: str | None, d: Dialect) -> Value:
    """The id a relative reference points to; none for other references, or another type than wanted."""
    if value.type not in {None, "Reference"}:
        raise refused(f"getReferenceKey() is asked of a Reference, not of a {value.type}.")
    pattern = f"^{wanted or '(?:[A-Z][A-Za-z]+)'}/{_ID}"
    if not value.many:
        return Value(d.found_in(d.member_text(value.sql, "reference"), pattern), "text", "id")

    def key(item: str) -> str:
        return d.item(d.found_in(d.member_text(item, "reference"), pattern), "text")

    return Value(d.map(value.sql, key), "list", "id")
