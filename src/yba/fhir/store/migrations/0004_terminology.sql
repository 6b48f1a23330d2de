-- Concepts of large code systems, one row each: what is too much to read out of a CodeSystem resource every time.
--
-- The resource stays the truth of what the system is (record.resource); small ones are read from it alone.
-- Reference tables: the same on every machine, so no shard.

create table record.code_system (
    id       text        not null collate "C",  -- of the CodeSystem resource
    stamp    integer,                           -- its version the rows were read from; null: an import filled them
    content  text        not null,              -- complete or fragment
    concepts integer     not null,
    filled   timestamptz not null,
    constraint code_system_pk primary key (id)
);

create table record.concept (
    system_id text    not null collate "C",
    code      text    not null collate "C",
    place     integer not null,                 -- in the order of definition
    display   text,
    folded    text    not null collate "C",     -- words of code, display and designations, each after a blank
    detail    text    not null,                 -- CodeSystem.concept as JSON, without the concepts below
    parents   text[]  not null default '{}',
    constraint concept_pk primary key (system_id, code)
);
create index concept_place on record.concept (system_id, place);

create table record.concept_parent (
    system_id text not null collate "C",
    parent    text not null collate "C",
    code      text not null collate "C",
    constraint concept_parent_pk primary key (system_id, parent, code)
);
