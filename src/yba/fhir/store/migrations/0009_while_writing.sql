-- concurrently
-- What would keep writers of a large store waiting if it were done in one transaction (store/migrate.py).

-- Quantities in base units (0003).
drop index concurrently if exists record.number_base;

create index concurrently number_base on record.number (param, base, base_low) where base is not null;

-- The whole folded text is kept, so that :contains sees all of it; the index holds its beginning. The old one serves
-- until the new one is there.
drop index concurrently if exists record.string_found;

create index concurrently string_found on record.string (param, left(folded, 200));

drop index concurrently if exists record.string_find;

alter index record.string_found rename to string_find;

-- The outbox is distributed like the rows it speaks of: its key carries the shard.
do $$
begin
    if exists (select from pg_index where indexrelid = to_regclass('record.outbox_pk') and not indisvalid) then
        drop index record.outbox_pk;
    end if;
end $$;

create unique index concurrently if not exists outbox_pk on record.outbox (seq, shard);

do $$
begin
    if exists (select from pg_constraint where conname = 'outbox_pkey' and conrelid = 'record.outbox'::regclass) then
        alter table record.outbox drop constraint outbox_pkey,
                                  add constraint outbox_pk primary key using index outbox_pk;
    end if;
end $$;
