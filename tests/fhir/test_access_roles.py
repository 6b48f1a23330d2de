"""Roles as data: what is written down, and that nothing that is not understood is taken."""

from __future__ import annotations

import pytest

from tests.builders import an_actor
from yba.fhir.access import policy, roles
from yba.fhir.access.roles import Wrong

GRANT = "{types: [Patient], may: see, of: all}"


def written(grant: str = GRANT, more: str = "") -> str:
    return f"groups:\n  people: [Patient, Person]\nroles:\n  x:\n    grants:\n      - {grant}\n{more}"


def test_a_role_of_ones_own() -> None:
    found = roles.read(written("{types: [people, Slot], may: [see, create], of: [self, own-facility]}"))["x"]
    (grant,) = found.grants
    assert grant.types == {"Patient", "Person", "Slot"}
    assert grant.may == {"read", "search", "history", "create"}
    assert grant.of == ("self", "own-facility")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (written("{types: [Pateint], may: see, of: all}"), r"roles\.x\.grants\[0\]\.types: 'Pateint'"),
        (written("{types: [Patient], may: look, of: all}"), r"grants\[0\]\.may: there is no 'look'"),
        (written("{types: [Patient], may: see, of: friends}"), r"grants\[0\]\.of: there is no 'friends'"),
        (written("{types: [Patient], may: see}"), "does not say 'of'"),
        (written("{types: [Patient], may: see, of: all, labels: [secret]}"), "there is no label 'secret'"),
        (written("{types: [Patient], may: see, of: all, kept: here}"), r"\.kept"),
        (written("{types: [Patient], may: see, of: own-patients, kept: elsewhere}"), r"\.kept"),
        (written("{types: [Patient], may: see, of: all, whom: me}"), "there is no 'whom'"),
        (written("{types: [Patient], may: see, of: all, where: nmae=x}"), "nmae=x"),
        (written("{types: [Patient], may: see, of: all, where: name}"), "name"),
        (written("{types: [Patient], may: see, of: all, where: {Slot: status=free}}"), "none of the grant's types"),
        (written("{types: [Patient], may: see, of: all, where: link.name=x}"), r"link\.name=x"),
        (written(GRANT, "    masks: {Patient: [nmae]}\n"), "'nmae' is no element"),
        (written(GRANT, "    masks: {Patient: [meta]}\n"), "'meta' is no element"),
        (written(GRANT, "    masks: {Person2: [name]}\n"), "'Person2'"),
        (written("{types: [Patient], may: [see, update], of: all}", "    masks: {Patient: [name]}\n"), "in part"),
        (written(GRANT, "    includes: [y]\n"), "there is no role 'y'"),
        (written(GRANT, "    includes: [x]\n"), "includes itself"),
        (written(GRANT, "    includes: [y]\n  y: {masks: {Patient: [name]}}\n"), "'y' has masks"),
        (written(GRANT, "    operations: [erase]\n"), "there is no 'erase'"),
        (written(GRANT, "    colour: red\n"), "there is no 'colour'"),
        (written(GRANT) + "rules: {}\n", "there is no 'rules'"),
        ("roles: [", "no YAML"),
    ],
)  # fmt: skip
def test_what_is_not_understood_ends_the_start(text: str, place: str) -> None:
    with pytest.raises(ValueError, match=place):
        roles.read(text)


def test_the_error_names_itself() -> None:
    assert issubclass(Wrong, ValueError)


def test_what_a_role_could_do_anywhere() -> None:
    assert policy.may(an_actor("doctor", facility="A"), "Observation", "create")
    assert not policy.may(an_actor("doctor"), "AuditEvent", "read")
    assert not policy.may(an_actor("citizen"), "Observation", "create")
    assert not policy.may(an_actor("anonymous"), "Organization", "read")
    assert policy.types(an_actor("provincial_officer"))[:1] == ["ActivityDefinition"]
    assert "Patient" not in policy.types(an_actor("provincial_officer"))
    charts = {"Patient", "Observation", "Condition", "Encounter", "MedicationRequest", "Composition"}
    for role in ("provincial_officer", "auditor", "system_administrator", "facility_administrator", "wall"):
        assert not charts & set(policy.types(an_actor(role)))


def test_nobody_but_the_system_sees_everything() -> None:
    for key in roles.roles():
        assert policy.sees_all(an_actor(key), "*") is (key == "system")
        assert policy.sees_all(an_actor(key), "Patient") is (key == "system")
        assert policy.may_choose_ids(an_actor(key)) is (key == "system")


def test_only_a_device_writes_what_it_does_not_see() -> None:
    """And whoever reports to the audit, which is for auditors to read."""
    for key, role in roles.roles().items():
        for grant in role.grants:
            for name in grant.types - {"*", "AuditEvent"} if grant.may & roles.WRITES else ():
                if not policy.may(an_actor(key, facility="A", app="x", programme="P"), name, "read"):
                    assert key == "device", (key, name)
