"""Writes of one resource: create, update, patch, delete; each checked, guarded, stamped and written as one version.

The functions that end in ``_in`` take part in a transaction that the caller has begun.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, cast

from yba.fhir.access import labels, policy
from yba.fhir.access.consent import is_of_a_rule
from yba.fhir.access.deriving import author_of, derived, labels_of, of_chart
from yba.fhir.access.sources import SOURCES
from yba.fhir.access.writing import Given, may_change, may_store, refused
from yba.fhir.audit import receiving
from yba.fhir.audit.terms import TYPE as AUDIT
from yba.fhir.condition import FACILITY_TAG
from yba.fhir.errors import Forbidden, Invalid, PreconditionFailed
from yba.fhir.model import codec, references
from yba.fhir.model.dates import instant
from yba.fhir.r4.binary import Binary
from yba.fhir.r4.consent import Consent
from yba.fhir.r4.datatypes import Coding, Meta, Resource
from yba.fhir.record import bindings, deriving, narratives
from yba.fhir.record.failures import translated
from yba.fhir.record.reading import Known, alive, current, not_found, sees
from yba.fhir.search.index import rows as index_rows
from yba.fhir.store import identity, parameters, read, write
from yba.fhir.store.rows import Stored
from yba.fhir.store.write_many import Item

if TYPE_CHECKING:
    from yba.fhir.r4.audit_event import AuditEvent
    from yba.fhir.record.handle import Record

ANY_VERSION = "*"
Change = Callable[[bytes], bytes]
"""From the JSON of a resource to the JSON it is to become."""
_OBSERVATION_VALUE = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"


def known_row(record: Record, type_name: str, identifier: str, *, lock: bool = False) -> Known | None:
    """The row under an id, whoever may see it; for deciding and locking, never for answering.

    With ``lock`` an id that is not there is held, so that nobody else stores it before the transaction ends.
    """
    with translated:
        found = read.current(record.connection, type_name, identifier, condition=None, lock=lock)
        if found is None and lock:
            read.hold_names(record.connection, [(type_name, identifier)])
            found = read.current(record.connection, type_name, identifier, condition=None, lock=True)
        return found


def check_version(
    record: Record, type_name: str, identifier: str, known: Known | None, if_match: str | None
) -> None:
    """Hold If-Match against the locked row. Raises PreconditionFailed; a hidden row is as one not there."""
    if if_match is None:
        return
    if (
        known is not None
        and (if_match == str(known[0].version) or (if_match == ANY_VERSION and known[0].content is not None))
        and sees(record, type_name, identifier)
    ):
        return
    raise PreconditionFailed(
        "store.version-changed",
        f"{type_name}/{identifier} is no longer at version {if_match[:64]}. Read it again and repeat the change.",
        type=type_name,
        id=identifier,
    )


def update_in(
    record: Record,
    resource: Resource,
    known: Known | None,
    *,
    if_match: str | None = None,
    only_new: bool = False,
) -> tuple[Stored, bool]:
    """A new version of a locked row, or the first; the flag says whether it was made new."""
    type_name, identifier = type(resource).__name__, resource.id
    assert identifier is not None
    if type_name == AUDIT:
        raise receiving.unchanging()
    check_version(record, type_name, identifier, known, if_match)
    if known is not None:
        _check_seen(record, type_name, known[0])
    else:
        _check_own_id(record, type_name, identifier)
    is_new = known is None or known[0].content is None
    if not is_new and resource.meta is not None:
        _refuse_part(type_name, resource.meta)
    if only_new and not is_new:
        raise PreconditionFailed(
            "store.exists", f"There is a {type_name}/{identifier} already.", type=type_name, id=identifier
        )
    return put(record, resource, identifier, "PUT", known, seen=True), is_new


def patch_in(
    record: Record,
    type_name: str,
    identifier: str,
    change: Change,
    *,
    if_match: str | None = None,
) -> Stored:
    """A new version made from the current one, which stays locked meanwhile.

    Raises Invalid when the result breaks FHIR's rules or has another type or id; NotFound, Gone.
    """
    if type_name == AUDIT:
        raise receiving.unchanging()
    known = current(record, type_name, identifier, lock=True)
    stored = alive(known[0])
    check_version(record, type_name, identifier, known, if_match)
    assert stored.content is not None
    resource = codec.decode(change(stored.content))
    if type(resource).__name__ != type_name:
        raise Invalid("patch.type", "A patch can't change the resource type.", path="resourceType")
    if resource.id != identifier:
        raise Invalid("patch.id", "A patch can't change the id.", path=f"{type_name}.id")
    return put(record, resource, identifier, "PATCH", known)


def delete_in(
    record: Record, type_name: str, identifier: str, *, if_match: str | None = None
) -> Stored | None:
    """Delete a row; None when it was gone already. Raises NotFound."""
    if type_name == AUDIT:
        raise receiving.unchanging()
    stored, shard = current(record, type_name, identifier, lock=True)
    if if_match is not None:
        check_version(record, type_name, identifier, (stored, shard), if_match)
    if stored.content is None:
        return None
    _check_change(record, type_name, (stored, shard), "delete")
    policy.check_delete(record.actor, type_name)
    resource, moment = codec.decode(stored.content, type_name), _moment(record)
    _guard(record, type_name, resource, None)
    if record.integrity:
        record.unchecked_targets.append((type_name, identifier))
    # What is deleted keeps its labels: it is hidden like a living one, and so is that it was deleted.
    bits = labels_of(
        deriving.Waiting(record), type_name, stored.content, stored.patient, index_rows(resource).occurred or moment
    )  # fmt: skip
    row = write.Write(
        type_name, identifier, stored.version + 1, moment, "DELETE", shard, stored.patient, stored.facility, None,
        sensitive=bits | (of_chart(resource, bits) if type_name == "Patient" else 0),
        standing=() if type_name in SOURCES else None,
    )  # fmt: skip
    record.write(Item(row, None, write.Known(stored.rid, shard, stored.content)))
    return Stored(
        type_name, identifier, row.version, row.updated, None, row.patient, row.facility, method="DELETE"
    )


def put(
    record: Record,
    resource: Resource,
    identifier: str | None,
    method: str,
    known: Known | None,
    *,
    seen: bool = False,
) -> Stored:
    """Check, guard and write one version; the caller holds the lock on the known row.

    ``seen``: the caller has found, since it holds the lock, that the actor may see that row.
    """
    type_name = type(resource).__name__
    if type_name == AUDIT:
        return _received(record, resource, identifier, method)
    resource = _with_own_references(record, resource, type_name)
    bindings.check(resource)
    old = known[0] if known else None
    act = _ACTS[method]
    if known is not None:  # a deleted one too: who brings it back gets its history
        if not seen:
            _check_seen(record, type_name, known[0])
        act = act or "update"
        _check_change(record, type_name, known, act)
    elif method == "PUT":
        _check_own_id(record, type_name, identifier)
    _check_made_by_rule(record, resource)
    moment = _moment(record)
    version = old.version + 1 if old else 1
    facility = facility_of(resource) or (old.facility if old else None) or record.actor.facility
    stamped = _stamped(resource, version, moment, facility)
    if method == "PUT" and old is not None and old.content is not None:
        _keep_labels(stamped, old.content)
    index = index_rows(stamped)
    is_patient = type_name == "Patient"
    if identifier is None:
        near = None if is_patient else index.patient
        identifier = record.new_id(identity.shard_of(near) if near else None)
    stamped.id = identifier
    patient = identifier if is_patient else index.patient or _of_context(record, resource)
    shard = identity.shard_of(patient or identifier)
    row = Given(
        type_name, identifier, shard, patient, facility, index.occurred, moment,
        lambda table: write.given(table, getattr(index, table), shard),
    )  # fmt: skip
    if not policy.may(record.actor, type_name, act or "create"):
        raise _refused(record, type_name, None)
    if patient is not None and not is_patient:
        _check_person(record, patient)
    _check_made(record, act or "create", row)
    if type_name in record.guards or type_name == FOLLOWED:
        before = codec.decode(old.content, type_name) if old and old.content else None
        _guard(record, type_name, before, stamped)
    content = codec.encode(stamped)
    narratives.check(type_name, content)
    if record.integrity:
        record.unchecked_sources.append((type_name, identifier, content))
    made = derived(
        deriving.Waiting(record), stamped, content, patient=patient, facility=facility,
        occurred=index.occurred, now=moment, author=author_of(record.actor), is_new=old is None,
    )  # fmt: skip
    item = Item(
        write.Write(
            type_name, identifier, version, moment, method, shard, patient, facility, content, made.sensitive,
            made.standing,
        ),
        index,
        write.Known(old.rid, known[1], old.content) if old and known else None,
    )  # fmt: skip
    earlier = old.content if old is not None and is_patient else None
    change = deriving.change(earlier, stamped, made.sensitive)
    if change is not None:
        with record.atomic():
            record.write(item)
            deriving.follow(record, identifier, change)
    else:
        record.write(item)
    return Stored(type_name, identifier, version, moment, content, patient, facility, method=method)


def _received(record: Record, resource: Resource, identifier: str | None, method: str) -> Stored:
    """An AuditEvent that is sent goes to the audit. Raises AppendOnly for anything but a new one."""
    if method != "POST":
        raise receiving.unchanging()
    resource = _with_own_references(record, resource, AUDIT)
    bindings.check(resource)
    moment = _moment(record)
    facility = facility_of(resource) or record.actor.facility
    stamped = _stamped(resource, 1, moment, facility)
    stamped.id = identifier or record.new_id(None)
    _guard(record, AUDIT, None, stamped)
    content = codec.encode(stamped)
    narratives.check(AUDIT, content)
    return receiving.receive(record, cast("AuditEvent", stamped), content, moment, facility)


# Elements of type uri that are called `reference`: addresses of documents, whoever keeps them.
_URI_REFERENCES = frozenset({"DetectedIssue", "Immunization"})


def _with_own_references(record: Record, resource: Resource, type_name: str) -> Resource:
    """References under this record's own address made relative, as they are here: so a chart holds what is about it.

    references.html#literal: a reference that is relative to the service base means the same.
    """
    if record.base_url is None or type_name in _URI_REFERENCES:
        return resource
    content, own = codec.encode(resource), f'"reference":"{record.base_url}/'.encode()
    if own not in content:
        return resource
    return codec.decode_known(content.replace(own, b'"reference":"'), type_name)


def facility_of(resource: Resource) -> str | None:
    """The facility a resource is tagged with: the first tag of the facility's system."""
    if resource.meta is not None:
        for tag in resource.meta.tag:
            if tag.system == FACILITY_TAG:
                return tag.code
    return None


def _refuse_part(type_name: str, meta: Meta) -> None:
    """A part of a resource never replaces the whole. Source: search.html#summary."""
    if any(tag.code == "SUBSETTED" and tag.system == _OBSERVATION_VALUE for tag in meta.tag):
        raise Invalid(
            "store.subsetted",
            f"This {type_name} is a part (tag SUBSETTED). Read the whole, and send that with your change.",
            path=f"{type_name}.meta.tag",
        )


def _moment(record: Record) -> datetime:
    moment = record.clock()
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


FOLLOWED = "SearchParameter"
"""What is stored of it takes effect in search, in the same transaction."""


def _guard(record: Record, type_name: str, before: Resource | None, after: Resource | None) -> None:
    if type_name == FOLLOWED:
        one = after or before
        assert one is not None
        assert one.id is not None
        with translated:
            parameters.follow(record.connection, record.actor, one.id, after, _moment(record))
    for guard in record.guards.get(type_name, ()):
        guard(record, before, after)


_ACTS = {"POST": "create", "PUT": None, "PATCH": "patch"}
"""What a write of a row that is there is called at the door; of PUT it is told by whether there is one."""


def _check_change(record: Record, type_name: str, known: Known, interaction: str) -> None:
    """The row as it is must be one the actor may do this to. Raises Forbidden."""
    stored, shard = known
    if not may_change(
        record.connection, record.actor, type_name, interaction, (stored.rid, shard), record.clock()
    ):
        raise _refused(record, type_name, stored)


def check_right(record: Record, type_name: str, identifier: str = "", *, interaction: str) -> None:
    """What a rule of the house asks before it acts in somebody's place: could they do this themselves, by the door?

    Of the resource of an id, as it stands; without one, of any of the type. The rule's own bounds come on top. Raises
    Forbidden; NotFound for what they don't see.
    """
    if identifier:
        _check_change(record, type_name, current(record, type_name, identifier), interaction)
    elif not policy.may(record.actor, type_name, interaction):
        raise _refused(record, type_name, None)


def _check_made(record: Record, interaction: str, row: Given) -> None:
    """The row that is to be must be one the actor may make. Raises Forbidden."""
    if not may_store(lambda: record.connection, record.actor, interaction, row):
        raise _refused(record, row.type, None)


def _refused(record: Record, type_name: str, stored: Stored | None) -> Forbidden:
    error = refused(record.actor, type_name)
    record.refused(error, type_name, stored)
    return error


def _check_own_id(record: Record, type_name: str, identifier: str | None) -> None:
    """Who may not choose ids can't tell an id that is free from one that is hidden. Raises NotFound."""
    if identifier is not None and not policy.may_choose_ids(record.actor):
        raise not_found(type_name, identifier)


def _check_made_by_rule(record: Record, resource: Resource) -> None:
    """An emergency opening, and one for next of kin, is made by the rule that tells and notes it. Raises Forbidden.

    A rule acts for somebody (``origin``): a bare request under the role ``system`` acts for nobody.
    """
    by_rule = record.actor.role == "system" and record.actor.origin is not None
    if isinstance(resource, Consent) and is_of_a_rule(resource) and not by_rule:
        raise _refused(record, "Consent", None)


def _keep_labels(stamped: Resource, before: bytes) -> None:
    """Security labels somebody has set stay through an update that leaves them out: a client may not know them.

    They are taken away by $meta-delete. Source: resource.html#security-labels.
    """
    if b'"security":' not in before or not labels.set_by_hand(before):
        return
    old = codec.decode_known(before, type(stamped).__name__).meta
    meta = stamped.meta
    assert old is not None
    assert meta is not None
    kept = {(one.system, one.code) for one in meta.security}
    meta.security = [
        *meta.security,
        *(
            one
            for one in old.security
            if labels.of_security(one.system, one.code) and (one.system, one.code) not in kept
        ),
    ]


def _of_context(record: Record, resource: Resource) -> str | None:
    """Whose a Binary is: of whom its security context is (binary.html, securityContext)."""
    if not isinstance(resource, Binary) or resource.securityContext is None:
        return None
    named = references.parse(resource.securityContext.reference or "")
    if named is None or named.base:
        return None
    if named.type == "Patient":
        return named.id
    known = known_row(record, named.type, named.id)
    return known[0].patient if known is not None else None


def _check_person(record: Record, patient: str) -> None:
    """Nobody writes into the chart of a person they cannot see: a visit made up would open it to them."""
    if not policy.sees_all(record.actor, "Patient"):
        current(record, "Patient", patient)


def _check_seen(record: Record, type_name: str, old: Stored) -> None:
    """A row the actor may not see is not there: nothing about it is told, not even by a refusal."""
    if not policy.sees_all(record.actor, type_name):
        current(record, type_name, old.id)


def _stamped(resource: Resource, version: int, moment: datetime, facility: str | None) -> Resource:
    """A copy with version, time and facility written in; the caller's own value stays as it was."""
    stamped = copy.copy(resource)
    meta = copy.copy(resource.meta) if resource.meta is not None else Meta()
    meta.versionId = str(version)
    meta.lastUpdated = instant(moment)
    own = [tag for tag in meta.tag if tag.system == FACILITY_TAG]
    if len(own) > 1:
        raise Invalid(
            "store.two-facilities",
            "A resource is kept by one facility: leave one tag of the system " + FACILITY_TAG + ".",
            path=f"{type(resource).__name__}.meta.tag",
        )
    if facility is not None and not own:
        meta.tag = [*meta.tag, Coding(system=FACILITY_TAG, code=facility)]
    stamped.meta = meta
    return stamped
