"""One transaction, from its entries to its answers, inside a database transaction the caller has begun.

Rows and conditions are locked up front and in one order for everybody, so that transactions wait for each other
rather than for ever; what still meets head-on is tried again (``record.failures``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from yba.fhir.bundle import answers
from yba.fhir.bundle.answers import Fetch
from yba.fhir.bundle.entries import ORDER, Step, read, refuse_overlaps, refuse_twins
from yba.fhir.bundle.linking import Named, Names, has_condition, linked, references
from yba.fhir.errors import Invalid, NotFound, PreconditionFailed, RecordError
from yba.fhir.model import codec
from yba.fhir.r4.bundle import Bundle, BundleEntry
from yba.fhir.r4.compartments import COMPARTMENTS
from yba.fhir.store import identity
from yba.fhir.store.read import lock_many
from yba.fhir.store.rows import Stored

if TYPE_CHECKING:
    from yba.fhir.record import Record

_COMPARTMENT_TYPES = frozenset(COMPARTMENTS["Patient"]) - {"Patient"}
_Known = dict[tuple[str, str], tuple[Stored, int]]


class at:
    """Puts the entry's place in front of the path of an error that leaves the block."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RecordError) and not (error.path or "").startswith("Bundle.entry"):
            error.path = f"{self._path}.resource ({error.path})" if error.path else self._path


class Conditions:
    """Conditional references, each asked for once. ``ruled``: rules of the house take part in the transaction."""

    def __init__(self, record: Record, *, ruled: bool) -> None:
        self._record = record
        self.ruled = ruled
        self._found: dict[tuple[str, str], str] = {}

    def reference(self, type_name: str, query: str) -> str:
        """The reference to the one resource a condition names. Raises PreconditionFailed for none and several."""
        from yba.fhir.record import conditions

        known = self._found.get((type_name, query))
        if known is None:
            params = parse_qsl(query, keep_blank_values=True)
            match = conditions.match(self._record, type_name, params)
            if match is None:
                raise PreconditionFailed(
                    "bundle.condition-unmatched",
                    f"The conditional reference '{type_name}?{query}' matches nothing.",
                    path="reference",
                )
            known = self._found[type_name, query] = f"{type_name}/{match.id}"
        return known


def run(record: Record, bundle: Bundle, fetch: Fetch | None, returns: str | None) -> list[BundleEntry]:
    """Carry out the entries; their answers in the order they were sent."""
    steps = []
    for number, entry in enumerate(bundle.entry):
        with at(f"Bundle.entry[{number}]"):
            steps.append(read(number, entry))
    refuse_overlaps(steps)
    found: dict[int, BundleEntry] = {}
    steps_in_order = sorted(steps, key=lambda one: (ORDER[one.method], one.type, one.id or "", one.number))
    _lock_conditions(record, steps)
    known = _deletions(record, steps, returns, found)
    known |= _conditions(record, steps)
    refuse_overlaps(steps)  # again: now conditions have their ids
    refuse_twins(steps)
    names = _names(steps, known)
    with record.together():
        _carry_out_all(record, steps_in_order, names, known, found, fetch, returns)
    return [found[step.number] for step in steps]


def _carry_out_all(
    record: Record,
    steps: list[Step],
    names: Names,
    known: _Known,
    found: dict[int, BundleEntry],
    fetch: Fetch | None,
    returns: str | None,
) -> None:
    """Everything but deletions, in the specification's order."""
    conditions = Conditions(record, ruled=any(step.type in record.guards for step in steps))
    later: list[Step] = []
    for step in steps:
        if step.method == "DELETE" or (step.calls and step.method != "POST"):
            continue
        # A conditional reference may mean what another entry makes: such entries come after the others.
        if (
            step.body is not None
            and step.method in ("POST", "PUT")
            and not step.calls
            and has_condition(step.body)
        ):
            later.append(step)
            continue
        with at(step.path):
            found[step.number] = _carry_out(record, step, names, conditions, known, fetch, returns)
    _carry_out_later(record, later, names, conditions, known, returns, found)
    for step in steps:
        if step.number not in found:
            with at(step.path):
                found[step.number] = _called(record, step, fetch)


def _deletions(
    record: Record, steps: list[Step], returns: str | None, found: dict[int, BundleEntry]
) -> _Known:
    """Lock all rows that are named, then delete: before conditions are asked, so that none matches what goes."""
    from yba.fhir.record import conditions, writing

    matched: list[Stored] = []
    for step in steps:
        if step.method == "DELETE" and step.id is not None:
            step.doomed = [step.id]
        elif step.method == "DELETE":
            with at(step.path):
                matches = conditions.matched_for_delete(record, step.type, step.query)
                step.doomed = [one.id for one in matches]
                matched += matches
    refuse_overlaps(steps)
    named = [(step.type, step.id) for step in steps if step.id is not None]
    named += [(step.type, one) for step in steps for one in step.doomed]
    known = lock_many(record.connection, named)
    for one in matched:
        conditions.check_unchanged(one, known.get((one.type, one.id)))
    for step in sorted(steps, key=lambda one: (one.type, one.id or "", one.number)):
        if step.method != "DELETE":
            continue
        gone = None
        with at(step.path):
            for identifier in sorted(step.doomed):
                try:
                    gone = writing.delete_in(record, step.type, identifier, if_match=step.if_match)
                except NotFound:
                    if step.if_match is not None:
                        raise
        found[step.number] = answers.deleted(gone if step.id is not None else None, returns)
    return known


def _lock_conditions(record: Record, steps: list[Step]) -> None:
    """Lock the conditions under which something may be made: before any row, as single interactions do, too."""
    from yba.fhir.record import conditions

    keys = []
    for step in steps:
        if step.method in ("POST", "PUT", "PATCH") and step.condition:
            with at(step.path):
                keys.append(conditions.key_of(step.type, conditions.checked(step.type, step.condition)))
    if keys:
        conditions.lock(record, keys)


def _conditions(record: Record, steps: list[Step]) -> _Known:
    """Find what conditional creates, updates and patches mean, and lock it; give ids to what is new."""
    from yba.fhir.record import conditions

    conditional = [step for step in steps if step.method in ("POST", "PUT", "PATCH") and step.condition]
    matched: list[Stored] = []
    for step in conditional:
        with at(step.path):
            match = conditions.match(record, step.type, step.condition)
            if match is not None and step.method != "POST":
                matched.append(match)
            if step.method == "PATCH":
                if match is None:
                    raise NotFound("store.no-match", f"Nothing matches the condition of '{step.url[:200]}'.")
                step.id = match.id
            elif step.method == "POST":
                step.existing = conditions.existing(record, match) if match is not None else None
            else:
                assert step.resource is not None
                step.id = conditions.decide(record, step.resource, match)
    _name(record, steps)
    known = lock_many(
        record.connection, [(step.type, step.id) for step in conditional if step.id is not None]
    )
    for one in matched:
        conditions.check_unchanged(one, known.get((one.type, one.id)))
    return known


def _name(record: Record, steps: list[Step]) -> None:
    """Give each POST and PUT its id; the patients first, so that what is theirs goes to their shard."""
    patients: dict[str, str] = {}
    for step in sorted(steps, key=lambda one: (one.type != "Patient", one.number)):
        if step.method not in ("POST", "PUT") or step.calls:
            continue
        if step.existing is not None:
            step.identifier = step.existing.id
        elif step.method == "PUT" and step.id is not None:
            step.identifier = step.id
        else:
            step.identifier = step.id = record.new_id(_shard(step, patients))
        if step.type == "Patient" and step.full_url is not None:
            patients[step.full_url] = step.identifier


def _shard(step: Step, patients: dict[str, str]) -> int | None:
    """The shard of the patient an entry speaks of, where it is in a patient's compartment."""
    if step.type not in _COMPARTMENT_TYPES or step.body is None:
        return None
    for text in references(step.body):
        identifier = patients.get(text)
        if identifier is None and text.startswith("Patient/"):
            identifier = text.split("/")[1]
        if identifier is not None:
            return identity.shard_of(identifier)
    return None


def _names(steps: list[Step], known: _Known) -> Names:
    names = Names()
    for step in steps:
        if step.full_url is None or step.calls or step.method not in ("POST", "PUT"):
            continue
        assert step.identifier is not None
        assert step.resource is not None
        row = known.get((step.type, step.identifier))
        version = step.existing.version if step.existing else row[0].version + 1 if row else 1
        meta = step.resource.meta
        names.add(
            step.full_url,
            Named(f"{step.type}/{step.identifier}", meta.versionId if meta else None, version),
        )
    return names


def _carry_out(
    record: Record,
    step: Step,
    names: Names,
    conditions: Conditions,
    known: _Known,
    fetch: Fetch | None,
    returns: str | None,
) -> BundleEntry:
    from yba.fhir.record import writing

    if step.calls:
        return _called(record, step, fetch)
    if step.method == "PATCH":
        return patch(record, step, returns)
    if step.existing is not None:
        return answers.written(step.existing, 200, returns)
    assert step.body is not None
    assert step.resource is not None
    assert step.identifier is not None
    body = linked(step.body, step.type, step.full_url, names, conditions.reference)
    resource = step.resource if body is step.body else codec.decode_known(body, step.type)
    if step.method == "POST":
        return answers.written(writing.put(record, resource, step.identifier, "POST", None), 201, returns)
    resource.id = step.identifier
    # A rule of the house may have written the row meanwhile. Nobody else has: whatever was there is locked, and to
    # wait here for what another transaction has made since would be to wait for one that may wait for this one.
    row = (
        writing.known_row(record, step.type, step.identifier, lock=True)
        if conditions.ruled
        else known.get((step.type, step.identifier))
    )
    stored, made = writing.update_in(
        record, resource, row, if_match=step.if_match, only_new=step.if_none_match == "*"
    )
    return answers.written(stored, 201 if made else 200, returns)


def _carry_out_later(
    record: Record,
    later: list[Step],
    names: Names,
    conditions: Conditions,
    known: _Known,
    returns: str | None,
    found: dict[int, BundleEntry],
) -> None:
    """Entries with conditional references, in rounds: one may mean what another of them makes."""
    while later:
        waiting: list[Step] = []
        problem: RecordError | None = None
        for step in later:
            try:
                with at(step.path):
                    found[step.number] = _carry_out(record, step, names, conditions, known, None, returns)
            except PreconditionFailed as error:
                if error.key != "bundle.condition-unmatched":
                    raise
                problem = problem or error
                waiting.append(step)
        if problem is not None and len(waiting) == len(later):
            raise problem
        later = waiting[::-1]  # a chain written from its end is then done in the next round


def patch(record: Record, step: Step, returns: str | None) -> BundleEntry:
    """A PATCH entry, by id or by condition."""
    from yba.fhir.record import conditions, patches, writing

    assert step.resource is not None
    change = patches.of_entry(step.resource)
    if step.id is None:
        stored = conditions.patch(record, step.type, step.query, change, if_match=step.if_match)
    else:
        stored = writing.patch_in(record, step.type, step.id, change, if_match=step.if_match)
    return answers.written(stored, 200, returns)


def _called(record: Record, step: Step, fetch: Fetch | None) -> BundleEntry:
    """A read, search or operation; in a transaction one that fails ends the whole."""
    found = answers.called(record, step, fetch)
    assert found.response is not None
    if (found.response.status or "")[:1] not in ("2", "3"):
        raise Invalid(
            "bundle.entry-refused",
            f"{step.method} {step.url[:200]} was answered with {found.response.status}.",
            path=step.path,
        )
    return found
