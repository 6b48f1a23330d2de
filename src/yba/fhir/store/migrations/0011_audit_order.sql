-- concurrently
-- The audit by its number, by time, by the persons of a page, and in the order of its transactions.
drop index concurrently if exists record.audit_seq;

create unique index concurrently audit_seq on record.audit (seq);

drop index concurrently if exists record.audit_time;

create index concurrently audit_time on record.audit ((coalesce(occurred, at)) desc, seq desc);

drop index concurrently if exists record.audit_at;

drop index concurrently if exists record.audit_patients;

create index concurrently audit_patients on record.audit using gin (patients) where patients is not null;

drop index concurrently if exists record.audit_received;

create unique index concurrently audit_received on record.audit (id) where content is not null;

drop index concurrently if exists record.audit_finished;

create index concurrently audit_finished on record.audit using brin (xid) with (pages_per_range = 16, autosummarize = on);
