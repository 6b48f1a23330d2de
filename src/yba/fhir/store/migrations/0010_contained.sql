-- Resources inside others, so that a chain can lead into them (search.html#contained). Their index rows stand in the
-- tables of all others, under a `rid` of their own below zero that is made of their container's.
create table record.contained (
    shard     smallint not null,                -- of the container
    rid       bigint   not null,                -- -(container * 65536 + which one)
    container bigint   not null,                -- rid of the resource that holds it
    holder    text     not null collate "C",    -- type of that resource
    type      text     not null collate "C",
    id        text     not null collate "C",
    place     text     not null collate "C",    -- Type/id#id: what references to it inside are kept as
    patient   text     collate "C",
    facility  text     collate "C",
    occurred  timestamptz,
    constraint contained_pk primary key (rid, shard)
);
create index contained_container on record.contained (container);
create index contained_type on record.contained (type, holder);
create index contained_place on record.contained (place);

-- A store without resources has no old index rows: it begins with rows of version 3 (codes folded, contained
-- resources, open ends of quantities).
update record.search_state set version = 3 where not exists (select from record.resource);
