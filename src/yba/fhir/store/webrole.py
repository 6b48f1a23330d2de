"""The role web processes work as: it owns nothing, so the wall stands before it, and has the rights it needs.

Roles belong to the whole cluster and rights to one database, and neither is in a backup that goes elsewhere: both are
looked at after every migration, and given where they are missing.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any, Final

import psycopg
from psycopg import errors as pg
from psycopg import sql

ROLE: Final = "yba_web"
_ATTEMPTS = 20
_WAIT_SECONDS = 0.05
_THERE = "select exists (select from pg_roles where rolname = %s)"
_MAY_BE = (
    "select pg_has_role(current_user, %s,"
    " case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end)"
)
# What it may do with what is neither written here nor by the record's own rules: all that changes rows.
_RIGHTS = """
with wanted(name, rights) as (values
    ('record.audit', array['select', 'insert']),
    ('record.audit_seal', array['select']),
    ('record.audit_reader', array['select']),
    ('record.audit_alert', array['select', 'update']),
    ('public.record_migration', array['select']),
    ('public.django_migrations', array['select'])),
tables as (
    select c.oid, format('%%I.%%I', n.nspname, c.relname) as name,
           coalesce(w.rights, array['select', 'insert', 'update', 'delete']) as rights
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      left join wanted w on w.name = n.nspname || '.' || c.relname
     where n.nspname in ('public', 'record') and c.relkind in ('r', 'p', 'v')
       and pg_has_role(current_user, c.relowner, 'USAGE'))
select t.name,
       array(select r from unnest(t.rights) r where not has_table_privilege(%(role)s, t.oid, r)),
       array(select r from unnest(array['select', 'insert', 'update', 'delete', 'truncate']) r
              where r <> all (t.rights) and has_table_privilege(%(role)s, t.oid, r))
  from tables t
"""
_SEQUENCES = """
select format('%%I.%%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname in ('public', 'record') and c.relkind = 'S' and pg_has_role(current_user, c.relowner, 'USAGE')
   and case when c.relkind = 'S' then not has_sequence_privilege(%(role)s, c.oid, 'usage') else false end
"""
_SCHEMAS = """
select format('%%I', nspname) from pg_namespace
 where nspname in ('public', 'record') and not has_schema_privilege(%(role)s, oid, 'usage')
"""


def admit(connection: psycopg.Connection[Any]) -> bool:
    """Make the role where it is missing, and give it its rights here. False: it is missing, and may not be made."""
    if not _made(connection):
        return False
    role = sql.Identifier(ROLE)
    with psycopg.Cursor(connection) as cursor:
        for (name,) in cursor.execute(_SCHEMAS, {"role": ROLE}).fetchall():
            cursor.execute(sql.SQL("grant usage on schema {} to {}").format(sql.SQL(name), role))
        for name, missing, more in cursor.execute(_RIGHTS, {"role": ROLE}).fetchall():
            if missing:
                rights = sql.SQL(", ").join(sql.SQL(one) for one in missing)
                cursor.execute(sql.SQL("grant {} on {} to {}").format(rights, sql.SQL(name), role))
            if more:
                rights = sql.SQL(", ").join(sql.SQL(one) for one in more)
                cursor.execute(sql.SQL("revoke {} on {} from {}").format(rights, sql.SQL(name), role))
        for (name,) in cursor.execute(_SEQUENCES, {"role": ROLE}).fetchall():
            cursor.execute(sql.SQL("grant usage, select on sequence {} to {}").format(sql.SQL(name), role))
    return True


def _made(connection: psycopg.Connection[Any]) -> bool:
    """Whether the role is there and may be worked as. Other databases of the cluster may be making it this moment."""
    for left in reversed(range(_ATTEMPTS)):
        try:
            with connection.transaction(), psycopg.Cursor(connection) as cursor:
                if not _said(cursor, _THERE):
                    cursor.execute(sql.SQL("create role {} nologin").format(sql.Identifier(ROLE)))
                if not _said(cursor, _MAY_BE):
                    # Who has made a role may give it to itself; else the operator has, or the web has its own login.
                    with contextlib.suppress(pg.InsufficientPrivilege), connection.transaction():
                        cursor.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(ROLE)))
            return True
        except pg.InsufficientPrivilege:
            return False
        except (pg.DuplicateObject, pg.UniqueViolation, pg.InternalError_):
            if not left:
                raise
            time.sleep(_WAIT_SECONDS)
    return False


def _said(cursor: psycopg.Cursor[Any], query: str) -> bool:
    row = cursor.execute(query, (ROLE,)).fetchone()
    return bool(row and row[0])
