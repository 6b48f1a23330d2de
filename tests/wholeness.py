"""Whether a database holds whole writes only: what no sequence of requests and no crash may leave behind."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from yba.fhir.model import codec
from yba.fhir.search import text
from yba.fhir.search.index import rows as index_rows
from yba.fhir.search.rows import Gathered
from yba.fhir.store import contained, write

INDEX_TABLES = ("token", "reference", "string", "date", "number", "uri", "composite", "position", "text")

_QUESTIONS = {
    "a current row without its version": """
        select r.type || '/' || r.id from record.resource r where not exists (
            select from record.version v where v.shard = r.shard and v.type = r.type and v.id = r.id
               and v.version = r.version and v.rid = r.rid and v.content is not distinct from r.content
               and v.updated = r.updated and v.patient is not distinct from r.patient)""",
    "a version of no row": """
        select v.type || '/' || v.id from record.version v where not exists (
            select from record.resource r where r.type = v.type and r.id = v.id and r.rid = v.rid)""",
    "a gap between versions": """
        select type || '/' || id from record.version group by type, id
         having min(version) <> 1 or max(version) <> count(*)""",
    "a version later than the current row": """
        select v.type || '/' || v.id from record.version v join record.resource r using (type, id)
         where v.version > r.version""",
    "two rows of one resource": "select type || '/' || id from record.resource group by type, id having count(*) > 1",
    "times that run backwards": """
        select type || '/' || id from (select type, id, updated,
            lag(updated) over (partition by type, id order by version) as before from record.version) x
         where before > updated""",
    "a contained resource of no living one": """
        select c.place from record.contained c where not exists (
            select from record.resource r where r.rid = c.container and r.shard = c.shard and r.content is not null
               and c.place = r.type || '/' || r.id || '#' || c.id)""",
    "a version without its audit row": """
        select v.type || '/' || v.id || '/' || v.version from record.version v where not exists (
            select from record.audit a where a.type = v.type and a.id = v.id and a.version = v.version
               and a.act = case v.method when 'POST' then 'create' when 'DELETE' then 'delete' else 'update' end)""",
}


def halves(connection: psycopg.Connection[Any], *, most: int = 5) -> list[str]:
    """What is half written, in words; nothing when all is whole."""
    found = []
    questions = dict(_QUESTIONS)
    for table in INDEX_TABLES:
        questions[f"a row of {table} of no living resource"] = f"""
            select x.shard || '/' || x.rid from record.{table} x where not exists (
                select from record.resource r where r.rid = x.rid and r.shard = x.shard and r.content is not null)
               and not exists (select from record.contained c where c.rid = x.rid and c.shard = x.shard)"""
    for words, query in questions.items():
        rows = connection.execute(f"{query} limit {most}".encode()).fetchall()
        found += [f"{words}: {row[0]}" for row in rows]
    return found


def misindexed(connection: psycopg.Connection[Any], *, most: int = 5) -> list[str]:
    """Living resources that have another number of index rows than what they hold asks for (own parameters aside)."""
    kept: dict[tuple[int, str], int] = {}
    for table in INDEX_TABLES:
        query = f"select rid, count(*) from record.{table} group by rid"
        for rid, count in connection.execute(query.encode()).fetchall():
            kept[rid, table] = count
    found = []
    query = "select rid, type, id, content from record.resource where content is not null"
    for rid, type_name, identifier, content in connection.execute(query).fetchall():
        data = content.encode() if isinstance(content, str) else content
        resource = codec.decode(data, type_name)
        index = index_rows(resource)
        if getattr(resource, "contained", None):
            row = write.Write(type_name, identifier, 0, datetime.min, "PUT", 0, None, None, data)  # noqa: DTZ901 - of no row
            places = contained.places(row, resource)
            index = index.joined(Gathered(reference=contained.led(index.reference, places)))
        for table in INDEX_TABLES:
            asked = len(text.rows(data)) if table == "text" else len(getattr(index, table))
            if kept.get((rid, table), 0) != asked:
                found.append(
                    f"{type_name}/{identifier}: {kept.get((rid, table), 0)} rows of {table}, not {asked}"
                )
    return found[:most]
