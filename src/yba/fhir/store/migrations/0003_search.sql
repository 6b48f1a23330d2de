-- All kinds of search: quantities in base units, versions of references, long texts, composites, places, full text,
-- parameters that users add.

-- A reference may name a version of its target.
alter table record.reference add column target_version text collate "C";

-- A quantity in UCUM units also in base units: what is asked in mg finds what is kept in g.
alter table record.number
    add column base_low  numeric,
    add column base_high numeric,
    add column base      text collate "C";      -- the base units, e.g. g.m-3; null: no UCUM unit

-- One row for each pair (or three) of values that stand in the same element.
create table record.composite (
    shard       smallint not null,
    rid         bigint   not null,
    param       integer  not null,
    system      text     collate "C",           -- tokens and references, in the order of the components
    code        text     collate "C",
    system2     text     collate "C",
    code2       text     collate "C",
    system3     text     collate "C",
    code3       text     collate "C",
    low         numeric,                        -- numbers and quantities, as in record.number
    high        numeric,
    unit_system text     collate "C",
    unit_code   text     collate "C",
    unit        text     collate "C",
    base_low    numeric,
    base_high   numeric,
    base        text     collate "C",
    low2        numeric,
    high2       numeric,
    date_low    timestamptz,
    date_high   timestamptz,
    folded      text     collate "C",
    exact       text     collate "C"
);
create index composite_find on record.composite (param, code, low);
create index composite_own  on record.composite (rid, param);

-- Places on the earth, in degrees (WGS 84).
create table record.position (
    shard     smallint not null,
    rid       bigint   not null,
    param     integer  not null,
    latitude  float8   not null,
    longitude float8   not null
);
create index position_find on record.position (param, latitude, longitude);
create index position_own  on record.position (rid, param);

-- Words of the narrative and of the whole resource, folded. A long text has several rows.
create table record.text (
    shard     smallint not null,
    rid       bigint   not null,
    narrative tsvector,
    content   tsvector not null
);
create index text_narrative on record.text using gin (narrative) where narrative is not null;
create index text_content   on record.text using gin (content);
create index text_own       on record.text (rid);

-- SearchParameter resources that take effect, a row a base type. A change makes a new number, so that rows of an old
-- expression and a new one never mix. `state`: indexing, ready, removed (its rows are still to be deleted).
create table record.search_parameter (
    id         text     not null collate "C",   -- of the SearchParameter resource
    base       text     not null collate "C",
    code       text     not null collate "C",
    number     integer  not null,
    kind       text     not null,
    expression text     not null,
    targets    text[]   not null default '{}',
    components jsonb    not null default '[]',
    url        text     not null,
    state      text     not null check (state in ('indexing', 'ready', 'removed')),
    since      xid8     not null default pg_current_xact_id(),
    primary key (number)
);
create unique index search_parameter_code on record.search_parameter (base, code) where state <> 'removed';

-- One row: what index rows are made by. `generation` changes whenever parameters do: a write that was prepared by
-- others is refused by the statement itself and prepared again. `version`: the code that made the oldest index rows.
create table record.search_state (
    one        boolean primary key default true check (one),
    generation uuid    not null default gen_random_uuid(),
    version    integer not null
);
insert into record.search_state (version)
    select case when exists (select from record.resource) then 1 else 2 end;
