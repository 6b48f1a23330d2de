-- The record's ground: current rows, versions, index rows, audit, outbox.
--
-- Every row carries `shard` (0-1023, from the patient of its compartment, else from its own id), and every
-- unique key ends with it, so the same tables can be distributed by it (docs/explanation/scale.md).
-- Index rows point to a current row by (shard, rid); they are rewritten with it in the same statement.

create schema if not exists record;

create sequence record.rid;

-- One row a resource: what is true now. A deleted resource keeps its row, with `content` null.
create table record.resource (
    shard     smallint    not null,
    rid       bigint      not null,
    type      text        not null collate "C",
    id        text        not null collate "C",
    version   integer     not null,
    updated   timestamptz not null,
    patient   text        collate "C",     -- Patient id of the compartment; null outside one
    facility  text        collate "C",     -- Organization id of the facility that keeps it
    occurred  timestamptz,                  -- when it clinically happened: the type's principal date parameter
    content   text,                         -- the very bytes that are sent back
    constraint resource_pk primary key (type, id, shard)
);
create unique index resource_rid on record.resource (rid, shard);
create index resource_chart    on record.resource (patient, type, occurred desc, rid desc) where patient is not null and content is not null;
create index resource_worklist on record.resource (facility, type, occurred desc, rid desc) where facility is not null and content is not null;
create index resource_updated  on record.resource (type, updated, rid) where content is not null;

-- One row a version, the current one included.
create table record.version (
    shard     smallint    not null,
    type      text        not null collate "C",
    id        text        not null collate "C",
    version   integer     not null,
    updated   timestamptz not null,
    method    text        not null check (method in ('POST', 'PUT', 'PATCH', 'DELETE')),
    actor     text        not null,
    patient   text        collate "C",
    facility  text        collate "C",
    rid       bigint      not null,
    content   text,
    constraint version_pk primary key (type, id, version, shard)
);
create index version_time on record.version (updated, rid);
create index version_type_time on record.version (type, updated, rid);

-- Index rows. `param` is a stable number for (type, parameter): see yba.fhir.search.parameters.param_number.
create table record.token (
    shard  smallint not null,
    rid    bigint   not null,
    param  integer  not null,
    system text     collate "C",            -- null: no system given
    code   text     collate "C",            -- null: only a text or a system
    display text    collate "C"             -- folded text for :text
);
create index token_find on record.token (param, code, system);
create index token_own  on record.token (rid, param, code);

create table record.reference (
    shard  smallint not null,
    rid    bigint   not null,
    param  integer  not null,
    target_type text collate "C",           -- null: a canonical or foreign absolute URL
    target_id   text not null collate "C",  -- id, or the whole URL
    identifier_system text collate "C",     -- logical reference: Reference.identifier
    identifier_value  text collate "C"
);
create index reference_find on record.reference (param, target_id, target_type);
create index reference_target on record.reference (target_type, target_id);
create index reference_own  on record.reference (rid, param);

create table record.string (
    shard  smallint not null,
    rid    bigint   not null,
    param  integer  not null,
    folded text     not null collate "C",   -- without accents, case and extra blanks
    exact  text     not null collate "C"
);
create index string_find on record.string (param, folded);
create index string_own  on record.string (rid, param);

create table record.date (
    shard  smallint    not null,
    rid    bigint      not null,
    param  integer     not null,
    low    timestamptz not null,            -- first instant
    high   timestamptz not null             -- first instant after; infinity for an open period
);
create index date_find on record.date (param, low, high);
create index date_own  on record.date (rid, param, low);

-- numbers and quantities share a table: `system` and `code` are null for plain numbers
create table record.number (
    shard  smallint not null,
    rid    bigint   not null,
    param  integer  not null,
    low    numeric  not null,               -- implicit precision: [low, high)
    high   numeric  not null,
    value  numeric  not null,
    system text     collate "C",
    code   text     collate "C",
    unit   text     collate "C"
);
create index number_find on record.number (param, value);
create index number_own  on record.number (rid, param);

create table record.uri (
    shard  smallint not null,
    rid    bigint   not null,
    param  integer  not null,
    value  text     not null collate "C"
);
create index uri_find on record.uri (param, value);
create index uri_own  on record.uri (rid, param);

-- Who did what: one row an act, appended only.
create table record.audit (
    at        timestamptz not null,
    seq       bigint generated always as identity,
    actor     text     not null,
    role      text     not null,
    actor_facility text,
    origin    text,                         -- who really acted, when a rule acted for them
    act       text     not null,            -- read vread search history create update delete bundle export refused
    type      text,
    id        text,
    version   integer,
    patient   text     collate "C",
    facility  text,
    detail    text,                         -- the search as it was asked, the reason of a refusal
    outcome   text     not null default 'ok'
);
create index audit_patient on record.audit (patient, at) where patient is not null;
create index audit_at on record.audit (at);
create index audit_actor on record.audit (actor, at);

create function record.audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'record.audit is append-only';
end $$;
create trigger audit_no_change before update or delete or truncate on record.audit
    for each statement execute function record.audit_is_append_only();

-- What changed, in the order of commits per resource: read by subscriptions and indexes, then pruned.
create table record.outbox (
    seq       bigint generated always as identity primary key,
    at        timestamptz not null,
    method    text     not null,
    type      text     not null collate "C",
    id        text     not null collate "C",
    version   integer  not null,
    patient   text     collate "C",
    facility  text     collate "C",
    shard     smallint not null
);
