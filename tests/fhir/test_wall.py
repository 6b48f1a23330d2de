"""The second wall: what the database itself hides, from whom, and that what it was told is never another's."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.pq import TransactionStatus

from tests.builders import an_actor, an_observation
from tests.fhir.access_house import House, kept_by, of
from yba import fhir
from yba.fhir import errors, rest
from yba.fhir.access import SYSTEM, Actor, wall
from yba.fhir.r4.datatypes import Coding, HumanName
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.patient import Patient
from yba.fhir.store import webrole
from yba.fhir.subscriptions.matching import Silent

NURSE_A = an_actor("nurse", facility="A", practitioner="n1")
NURSE_B = an_actor("nurse", facility="B", practitioner="n2")
_BARE = "select r.type || '/' || r.id from record.resource r"
_VERSIONS = "select v.type || '/' || v.id from record.version v"


class Town:
    """A committed store: a person with a visit and a result at A, another at B; connections as owner and web."""

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo
        with psycopg.connect(conninfo) as connection:
            house = House(connection)
            house.now = datetime.now(UTC)
            self.at: dict[str, tuple[str, str]] = {}
            for facility in ("A", "B"):
                person = house.system.create(Patient(name=[HumanName(family=f"Người {facility}")]))
                assert person.id
                house.visit(person.id, facility)
                seen = house.system.create(an_observation(patient=person.id, meta=kept_by(facility)))
                self.at[facility] = person.id, str(seen.id)

    def web(self, **more: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(self.conninfo, options="-c role=yba_web", autocommit=True, **more)


@pytest.fixture
def town(own_database: str) -> Town:
    return Town(own_database)


@pytest.fixture
def web(town: Town) -> Iterator[psycopg.Connection[Any]]:
    with town.web() as connection:
        yield connection


def seen_by(connection: psycopg.Connection[Any], query: str = _BARE) -> set[str]:
    return {row[0] for row in connection.execute(query).fetchall()}


# -- what is hidden ----------------------------------------------------------------------------------------


def test_who_is_not_told_sees_nothing(town: Town, web: psycopg.Connection[Any]) -> None:
    with psycopg.connect(town.conninfo) as owner:
        assert len(seen_by(owner)) == 6
        assert len(seen_by(owner, _VERSIONS)) == 6
    assert seen_by(web) == set()
    assert seen_by(web, _VERSIONS) == set()
    wall.tell(web, wall.NOBODY)
    assert seen_by(web) == set()
    assert web.execute("update record.resource set content = null").rowcount == 0
    assert web.execute("delete from record.version").rowcount == 0


@pytest.mark.parametrize(("nurse", "here", "elsewhere"), [(NURSE_A, "A", "B"), (NURSE_B, "B", "A")])
def test_a_question_that_forgot_the_door_tells_nothing_of_strangers(
    town: Town, web: psycopg.Connection[Any], nurse: Actor, here: str, elsewhere: str
) -> None:
    wall.tell(web, wall.reach_of(nurse))
    for query in (_BARE, _VERSIONS):
        found = seen_by(web, query)
        assert {f"Patient/{town.at[here][0]}", f"Observation/{town.at[here][1]}"} <= found
        assert f"Patient/{town.at[elsewhere][0]}" not in found
        assert f"Observation/{town.at[elsewhere][1]}" not in found
        assert len(found) == 3


def test_what_is_not_ones_own_is_neither_made_nor_changed(town: Town, web: psycopg.Connection[Any]) -> None:
    wall.tell(web, wall.reach_of(NURSE_A))
    stranger, result = town.at["B"]
    given = {"patient": stranger, "id": result}
    for query in (
        "update record.resource set content = null where id = %(id)s",
        "delete from record.resource where id = %(id)s",
        "delete from record.version where id = %(id)s",
    ):
        assert web.execute(query, given).rowcount == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        web.execute(
            "insert into record.resource (shard, rid, type, id, version, updated, patient, content)"
            " values (1, -1, 'Observation', 'made-up', 1, now(), %(patient)s, '{}')",
            given,
        )
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        web.execute(
            "update record.resource set patient = %s where type = 'Observation' and id = %s",
            (stranger, town.at["A"][1]),
        )


def test_a_standing_that_has_long_ended_opens_nothing(town: Town, web: psycopg.Connection[Any]) -> None:
    wall.tell(web, wall.reach_of(NURSE_A))
    assert len(seen_by(web)) == 3
    with psycopg.connect(town.conninfo) as owner:
        owner.execute("update record.standing set until = now() - interval '2 days'")
    assert seen_by(web) == set()
    wall.tell(web, wall.reach_of(NURSE_A, real_time=False))
    assert len(seen_by(web)) == 3, "a clock that is not the database's decides by the door alone"


# -- what is looked up once --------------------------------------------------------------------------------

_OF_ONE = (
    "select r.type || '/' || r.id from record.resource r"
    " where r.patient = (select record.of_one('Observation', %s)) or r.type = 'Claim'"
)
_NOTED = "select record.of_one('Observation', %s), current_setting('yba.passed', true)"


def test_naming_a_person_beforehand_opens_nobody(town: Town, web: psycopg.Connection[Any]) -> None:
    """What a statement says of whose rows it asks is looked up like any row, and counts for that type alone."""
    wall.tell(web, wall.reach_of(NURSE_A))
    (known, result), (stranger, _) = town.at["A"], town.at["B"]
    with psycopg.connect(town.conninfo) as owner:
        owner.execute(
            "insert into record.resource (shard, rid, type, id, version, updated, patient, content)"
            " values (1, -1, 'Claim', 'of-known', 1, now(), %s, '{}')",
            (known,),
        )
    for prepare in (False, True):
        found = {row[0] for row in web.execute(_OF_ONE, (known,), prepare=prepare).fetchall()}
        assert {f"Patient/{known}", f"Observation/{result}"} <= found
        assert "Claim/of-known" not in found
        assert web.execute(_OF_ONE, (stranger,), prepare=prepare).fetchall() == []
        assert web.execute(_NOTED, (known,), prepare=prepare).fetchone() == (known, f"Observation/{known}")
        assert web.execute(_NOTED, (stranger,), prepare=prepare).fetchone() == (stranger, "")
        assert web.execute("select current_setting('yba.passed', true)").fetchone() == ("",)


def test_what_was_looked_up_ends_with_the_statement(town: Town, web: psycopg.Connection[Any]) -> None:
    """A standing that is taken back is gone with the next search; in a transaction nothing is noted by the record."""
    person = town.at["A"][0]
    record = fhir.open(web, actor=NURSE_A)
    for _ in range(4):  # not prepared, then prepared
        assert len(record.find("Observation", ("patient", person))) == 1
    with web.transaction():
        assert len(record.find("Observation", ("patient", person))) == 1
        assert web.execute("select current_setting('yba.passed', true)").fetchone() == ("",)
    with psycopg.connect(town.conninfo) as owner:
        owner.execute("delete from record.standing where patient = %s", (person,))
    assert record.find("Observation", ("patient", person)) == []
    assert web.execute(_OF_ONE, (person,)).fetchall() == []


def test_who_is_told_next_inherits_no_note(town: Town, web: psycopg.Connection[Any]) -> None:
    person, result = town.at["A"]
    with web.transaction():
        wall.tell(web, wall.reach_of(NURSE_A))
        assert web.execute(_NOTED, (person,)).fetchone() == (person, f"Observation/{person}")
        assert f"Observation/{result}" in seen_by(web)
        wall.tell(web, wall.reach_of(NURSE_B))
        assert f"Observation/{result}" not in seen_by(web)
    assert f"Observation/{result}" not in seen_by(web)


@pytest.mark.parametrize(
    "query",
    [
        "update record.audit set actor = 'x'",
        "delete from record.audit",
        "truncate record.audit",
        "insert into record.audit_seal select * from record.audit_seal",
        "delete from record.audit_seal",
        "truncate record.resource",
        "alter table record.resource disable row level security",
        "drop policy wall on record.resource",
        "create policy open on record.resource using (true)",
        "create role another",
        "alter role yba_web bypassrls",
        "select rolpassword from pg_authid",
        "create table record.mine (x int)",
        "copy (select 1) to program 'true'",
        "set session_replication_role = replica",
    ],
)
def test_what_web_processes_may_not_do(web: psycopg.Connection[Any], query: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute(query.encode())


def test_the_role_owns_nothing_and_passes_nothing(web: psycopg.Connection[Any]) -> None:
    assert web.execute(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin from pg_roles where rolname = 'yba_web'"
    ).fetchone() == (False, False, False, False, False)
    assert web.execute("select count(*) from pg_class where relowner = 'yba_web'::regrole").fetchone() == (0,)
    assert web.execute("select current_user").fetchone() == ("yba_web",)


# -- what was told is never another's ----------------------------------------------------------------------


def told(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute("select current_setting('yba.holders', true)").fetchone()
    return "" if row is None or row[0] is None else str(row[0])


def undone(connection: psycopg.Connection[Any], record: fhir.Record, patient: str) -> None:
    """Read in a transaction, or a savepoint of one, that is then rolled back: what was told inside is undone."""
    with connection.transaction(force_rollback=True):
        assert record.read("Patient", patient).id


def test_a_savepoint_that_is_undone_undoes_no_telling(town: Town, web: psycopg.Connection[Any]) -> None:
    """``set_config`` is undone by a rollback; the record must not believe what it told inside."""
    a, b = fhir.open(web, actor=NURSE_A), fhir.open(web, actor=NURSE_B)
    of_a, of_b = town.at["A"][0], town.at["B"][0]
    assert a.read("Patient", of_a).id
    with web.transaction():
        assert len(b.find("Observation")) == 1
        undone(web, a, of_a)
        assert told(web).startswith("facility:B")  # brought back by the savepoint
        assert b.read("Patient", of_b).id
        undone(web, b, of_b)
        assert a.read("Patient", of_a).id
    assert b.read("Patient", of_b).id
    undone(web, a, of_a)
    assert told(web).startswith("facility:B")
    assert a.read("Patient", of_a).id


def stepped(connection: psycopg.Connection[Any], word: str, inside: int) -> int:
    """Begin, save, undo, release, commit or roll back where that can be; how deep in transactions one is then."""
    if word == "begin" and not inside:
        connection.execute("begin")
        return 1
    if word == "save" and inside:
        connection.execute(f"savepoint s{inside}".encode())
        return inside + 1
    if word in ("undo", "release") and inside > 1:
        way = "rollback to" if word == "undo" else "release"
        connection.execute(f"{way} savepoint s{inside - 1}".encode())
        return inside - 1
    if word in ("commit", "rollback") and inside:
        connection.execute(word.encode())
        return 0
    return inside


_STEPS = st.lists(
    st.sampled_from(
        ["tell A", "tell B", "tell all", "begin", "save", "undo", "release", "commit", "rollback"]
    ),
    max_size=25,
)


@given(steps=_STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_transactions_the_database_knows_who_was_told_last(
    web: psycopg.Connection[Any], steps: list[str]
) -> None:
    """Property: whatever is begun, undone or kept in between, after ``tell`` the session says just that."""
    who = {"A": NURSE_A, "B": NURSE_B, "all": SYSTEM}
    said = "select " + ", ".join(f"current_setting('yba.{one}', true)" for one in wall.Reach._fields)
    inside = 0
    for step in steps:
        word, _, name = step.partition(" ")
        if word == "tell":
            reach = wall.reach_of(who[name])
            wall.tell(web, reach)
            assert web.execute(said.encode()).fetchone() == tuple(reach)
        else:
            inside = stepped(web, word, inside)
    if inside:
        web.execute("rollback")
    assert web.info.transaction_status == TransactionStatus.IDLE


def test_the_same_actor_is_told_once(
    town: Town, web: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    class Heard(wall.Reach):
        """Asked for its settings when they are sent."""

        def _asdict(self) -> dict[str, Any]:
            said.append(self.holders[:10])
            return super()._asdict()

    reach_of = wall.reach_of
    monkeypatch.setattr(wall, "reach_of", lambda actor, **more: Heard(*reach_of(actor, **more)))
    for _ in range(5):
        fhir.open(web, actor=NURSE_A).read("Patient", town.at["A"][0])
    assert said == ["facility:A"]
    with web.transaction():
        fhir.open(web, actor=NURSE_A).read("Patient", town.at["A"][0])
    assert said == ["facility:A"]
    fhir.open(web, actor=NURSE_B).read("Patient", town.at["B"][0])
    assert said == ["facility:A", "facility:B"]
    with web.transaction():
        for _ in range(5):
            fhir.open(web, actor=NURSE_A).read("Patient", town.at["A"][0])
    assert said == ["facility:A", "facility:B", "facility:A"]


def test_a_name_that_somebody_else_gave_the_session_is_believed_in_nothing(
    town: Town, web: psycopg.Connection[Any]
) -> None:
    reach = wall.reach_of(NURSE_A)
    wall.tell(web, reach)
    web.execute("discard all")
    assert told(web) == ""
    wall.tell(web, reach)
    assert told(web).startswith("facility:A")
    for number in range(wall.MOST_NAMES + 3):
        wall.tell(web, wall.reach_of(NURSE_B if number % 2 else SYSTEM))
    wall.tell(web, reach)
    assert told(web).startswith("facility:A")


def test_nobody_is_left_for_who_comes_without_a_record(town: Town, web: psycopg.Connection[Any]) -> None:
    fhir.open(web, actor=SYSTEM).read("Patient", town.at["A"][0])
    assert len(seen_by(web)) == 6
    wall.forget(web)
    assert seen_by(web) == set()


def test_requests_of_many_on_one_connection_see_their_own(town: Town) -> None:
    """The record's face, a connection a thread, tokens in turn: each is answered as if nobody else had been there."""
    kept = threading.local()

    def connect() -> psycopg.Connection[Any]:
        if not hasattr(kept, "connection"):
            kept.connection = town.web(prepare_threshold=2)
        connection: psycopg.Connection[Any] = kept.connection
        return connection

    actors = {"A": NURSE_A, "B": NURSE_B, "S": SYSTEM}
    face = rest.application(connect, actors.get, base_url="http://x/fhir", journal=Silent())
    wrong: list[object] = []

    def ask(token: str, path: str) -> int:
        said: list[str] = []
        environ = {
            "PATH_INFO": path, "QUERY_STRING": "", "REQUEST_METHOD": "GET", "SERVER_NAME": "x", "SERVER_PORT": "80",
            "wsgi.url_scheme": "http", "HTTP_AUTHORIZATION": f"Bearer {token}",
        }  # fmt: skip
        b"".join(face(environ, lambda status, headers: said.append(status)))
        return int(said[0][:3])

    def work(number: int) -> None:
        for turn in range(30):
            token = "ABS"[(number + turn) % 3]
            for facility in ("A", "B"):
                expected = 200 if token in (facility, "S") else 404
                got = ask(token, f"/Observation/{town.at[facility][1]}")
                if got != expected:
                    wrong.append((token, facility, got))
        kept.connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []


# -- writes ------------------------------------------------------------------------------------------------


def test_a_nurse_writes_behind_the_wall(town: Town, web: psycopg.Connection[Any]) -> None:
    record = fhir.open(web, actor=NURSE_A)
    mine, theirs = town.at["A"][0], town.at["B"][0]
    made = record.create(an_observation(patient=mine))
    assert record.read("Observation", str(made.id)).id == made.id
    record.update(made)
    assert len(record.history_stored("Observation", str(made.id))) == 2
    with pytest.raises(errors.NotFound):
        record.create(an_observation(patient=theirs))


def test_many_are_written_behind_the_wall_as_before_it(town: Town, web: psycopg.Connection[Any]) -> None:
    """COPY does not pass row-level security; what goes another way must arrive the same."""
    hostile = 'a\tb\\n "c" \\. \\N ư\x7f\U0001f600'
    stored: dict[str, list[Any]] = {}
    with psycopg.connect(town.conninfo, autocommit=True) as owner:
        for name, connection in (("owner", owner), ("web", web)):
            record = fhir.open(connection, actor=SYSTEM, clock=lambda: datetime(2026, 1, 2, tzinfo=UTC))
            made = [
                Patient(id=f"many-{name}-{number}", name=[HumanName(family=f"{hostile}{number}")])
                for number in range(7)
            ]
            assert not [one for one in record.put_all(made) if isinstance(one, errors.RecordError)]
            assert not [one for one in record.put_all(made[:3]) if isinstance(one, errors.RecordError)]
        for name in ("owner", "web"):
            stored[name] = owner.execute(
                "select replace(r.id, %(name)s, ''), r.version, r.updated, r.occurred, r.sensitive, r.facility,"
                " replace(r.content, %(name)s, ''), v.version, v.method, v.actor, replace(v.content, %(name)s, '')"
                " from record.resource r join record.version v using (type, id)"
                " where r.id like 'many-' || %(name)s || '-%%' order by r.id, v.version",
                {"name": name},
            ).fetchall()
    assert len(stored["web"]) == 10
    assert stored["web"] == stored["owner"]


def test_a_person_who_dies_marks_the_whole_chart_whoever_writes_it(
    town: Town, web: psycopg.Connection[Any]
) -> None:
    """Reception sees persons and no results; the label must reach the results all the same."""
    person, result = town.at["B"]
    reception = fhir.open(web, actor=an_actor("receptionist", facility="A"))
    one = reception.read(Patient, person)
    one.deceasedBoolean = True
    reception.update(one)
    wall.tell(web, wall.reach_of(SYSTEM))
    row = web.execute("select sensitive & 128 from record.resource where id = %s", (result,)).fetchone()
    assert row == (128,)


def test_a_row_goes_to_another_persons_shard(town: Town, web: psycopg.Connection[Any]) -> None:
    record = fhir.open(web, actor=SYSTEM)
    seen = record.read("Observation", town.at["A"][1])
    seen.subject = of(town.at["B"][0])  # type: ignore[attr-defined]  # an Observation
    record.update(seen)
    with pytest.raises(errors.NotFound):
        fhir.open(web, actor=NURSE_A).read("Observation", town.at["A"][1])


def test_a_time_travelling_visit_is_seen_by_its_own_clock(town: Town, web: psycopg.Connection[Any]) -> None:
    """A record with a clock of its own is held to its standings by the door, not by the database's day."""
    past = datetime.now(UTC) - timedelta(days=4000)
    with psycopg.connect(town.conninfo) as owner:
        house = House(owner)
        house.now = past
        person = str(house.system.create(Patient()).id)
        house.system.create(
            Encounter(status="finished", class_=Coding(code="AMB"), subject=of(person), meta=kept_by("A"))
        )
    then = fhir.open(web, actor=NURSE_A, clock=lambda: past)
    assert then.read("Patient", person).id == person
    with pytest.raises(errors.NotFound):
        fhir.open(web, actor=NURSE_A).read("Patient", person)


# -- the role ----------------------------------------------------------------------------------------------


def test_rights_come_back_where_a_backup_left_them_behind(town: Town) -> None:
    with psycopg.connect(town.conninfo, autocommit=True) as owner:
        owner.execute("revoke all on all tables in schema record from yba_web")
        owner.execute("grant all on record.audit to yba_web")
        assert webrole.admit(owner)
    with town.web() as web:
        fhir.open(web, actor=SYSTEM).read("Patient", town.at["A"][0])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute("delete from record.audit")


def test_every_table_has_its_rights(web: psycopg.Connection[Any]) -> None:
    """A table that is added is reached by web processes, unless it is named in ``webrole``."""
    short = web.execute(
        "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname in ('public', 'record') and c.relkind in ('r', 'p', 'v')"
        " and not has_table_privilege(c.oid, 'select, insert, update, delete')"
        " or (n.nspname in ('public', 'record') and c.relkind in ('r', 'p', 'v')"
        " and not (has_table_privilege(c.oid, 'insert') and has_table_privilege(c.oid, 'update')"
        " and has_table_privilege(c.oid, 'delete'))) order by 1"
    ).fetchall()
    assert [name for (name,) in short] == [
        "audit", "audit_alert", "audit_reader", "audit_seal", "django_migrations", "record_migration",
    ]  # fmt: skip


LOOKS_WHOEVER_MAY_SEE = {
    "access/deriving.py", "access/emergency.py", "access/linked.py", "access/seeing.py", "access/wall.py",
    "audit/search.py",
    "record/deriving.py", "record/integrity.py", "record/labelled.py",
    "search/page.py", "store/read.py", "store/write.py", "store/write_joined.py", "store/write_many.py",
    "subscriptions/matching.py",
}  # fmt: skip


def test_who_looks_past_the_wall_is_known() -> None:
    """A new name here is a new way past the wall: read it, and say in the code why it must look."""
    package = Path(fhir.__file__).parent
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if re.search(r"unwalled_(resource|version)", path.read_text(encoding="utf-8"))
    }
    assert found == LOOKS_WHOEVER_MAY_SEE
