-- The audit tells of each act all that an AuditEvent asks, and is sealed: its rows chained by hash, the heads signed.
--
-- `xid` is the transaction that wrote the row: what is below the oldest that still runs is finished, so that nothing
-- can come in behind a head (yba.fhir.audit.sealing). Rows of before this migration have none and come first.

alter table record.audit
    add column xid          bigint,
    add column name         text,                    -- of who acted, as it was then
    add column practitioner text     collate "C",    -- Practitioner id of staff who treat
    add column person       text     collate "C",    -- Patient id of the one who acted, where they act for themselves
    add column app          text,                    -- client id of the app through which it was done
    add column session      text,
    add column address      text,                    -- network
    add column purpose      text,                    -- v3-ActReason
    add column request      text,                    -- id of the request, as answered in X-Request-Id
    add column patients     text[]   collate "C",    -- whose records were answered, where they are several
    add column answered     integer,                 -- how many resources were answered (searches, exports)
    add column occurred     timestamptz,             -- of an event that was sent to us: when it says it was recorded
    add column content      text,                    -- of an event that was sent to us: its bytes
    add column terms        text[]   collate "C";    -- what such an event is found by

alter table record.audit alter column xid set default (pg_current_xact_id()::text)::bigint;

-- Not for a role that was given the tables either, nor for a session that plays a replica.
revoke update, delete, truncate on record.audit from public;
do $$
begin
    execute format('revoke update, delete, truncate on record.audit from %I', current_user);
end $$;
alter table record.audit enable always trigger audit_no_change;

-- A stretch of the audit, closed: the rows with (from_xid, from_seq) <= (xid, seq) < (to_xid, to_seq) and seq > floor.
create table record.audit_seal (
    number    bigint      not null primary key,      -- 1, 2, 3 without a gap
    day       date        not null,                  -- in the house's time zone, when it was sealed
    sealed    timestamptz not null,
    floor     bigint      not null,                  -- last seq of the database this one was restored from, else 0
    from_xid  bigint      not null,
    from_seq  bigint      not null,
    to_xid    bigint      not null,
    to_seq    bigint      not null,
    rows      integer     not null,
    last_seq  bigint      not null,                  -- the largest seq under this seal or one before
    leaves    bytea       not null,                  -- of each row its seq and the beginning of its hash
    previous  bytea       not null,                  -- head of the seal before
    head      bytea       not null,
    key       text        not null,                  -- which key has signed
    signature bytea       not null
);

create function record.audit_seal_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'record.audit_seal is append-only';
end $$;
create trigger audit_seal_no_change before update or delete or truncate on record.audit_seal
    for each statement execute function record.audit_seal_is_append_only();
alter table record.audit_seal enable always trigger audit_seal_no_change;
revoke update, delete, truncate on record.audit_seal from public;
do $$
begin
    execute format('revoke update, delete, truncate on record.audit_seal from %I', current_user);
    if exists (select from pg_roles where rolname = 'yba_web') then
        revoke all on record.audit, record.audit_seal from yba_web;
        grant select, insert on record.audit to yba_web;
        grant select on record.audit_seal to yba_web;
    end if;
end $$;

-- How far one who reads the audit in the order it was finished has come.
create table record.audit_reader (
    name text   not null primary key,
    xid  bigint not null,
    seq  bigint not null
);

-- What a rule found that a person has to look at (yba.fhir.audit.alerts).
create table record.audit_alert (
    number   bigint      generated always as identity primary key,
    rule     text        not null,
    key      text        not null,                   -- what makes the same finding the same alert
    found    timestamptz not null,
    since    timestamptz not null,                   -- first and last of the acts it speaks of
    until    timestamptz not null,
    actor    text        not null,
    name     text,
    role     text        not null,
    facility text,
    patient  text        collate "C",
    count    integer     not null,
    state    text        not null default 'new' check (state in ('new', 'seen', 'explained')),
    note     text,
    judged   timestamptz,
    judge    text,
    constraint audit_alert_once unique (rule, key)
);
create index audit_alert_facility on record.audit_alert (facility, state, until desc);
