-- Who stands how to a person: derived from the resources that say so, in the transaction that writes them.
--
-- A row says: `holder` may see what is in the chart of `patient`, because of `basis`, from `since` to `until`, as far as
-- the other columns let it. The door's conditions (yba.fhir.access.policy) ask this table row by row.
create table record.standing (
    shard          smallint    not null,                    -- the patient's
    patient        text        not null collate "C",
    holder         text        not null collate "C",        -- facility:ID department: practitioner: programme: app: person:
    basis          text        not null check (basis in
        ('visit', 'booking', 'care-team', 'transfer', 'consent', 'emergency', 'guardian', 'delegate')),
    since          timestamptz not null,
    until          timestamptz not null,                    -- infinity: until its source changes
    types          text[]      collate "C",                 -- only these resource types; null: all
    labels         smallint    not null default 0,          -- sensitive labels it lets through
    purposes       text[]      collate "C",                 -- only for these purposes (v3-ActReason); null: any
    kept           text[]      collate "C",                 -- only what these facilities keep
    named          text[]      collate "C",                 -- only these rows, as Type/id
    occurred_from  timestamptz,                             -- only what happened then
    occurred_until timestamptz,
    source_type    text        not null collate "C",        -- the resource that says so
    source_id      text        not null collate "C"
);
create index standing_person on record.standing (patient, holder);
create index standing_holder on record.standing (holder, patient);
create index standing_source on record.standing (source_type, source_id);

-- Sensitive labels as bits (yba.fhir.access.labels). What an older store holds has not been looked at: it is hidden from
-- all but those who see everything until the background has made its index rows, labels and standings anew.
alter table record.resource add column sensitive smallint not null default 16384;
alter table record.resource alter column sensitive set default 0;
update record.search_state set version = least(version, 2) where exists (select from record.resource);
