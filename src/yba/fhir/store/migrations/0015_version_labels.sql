-- concurrently
-- What was sensitive in a version, as bits (yba.fhir.access.labels), so that a history and its total are held to it. Null:
-- an older release has written it, and the background has not looked yet (yba.fhir.store.version_labels).
alter table record.version add column if not exists sensitive smallint;

drop index concurrently if exists record.version_unlabelled;

create index concurrently version_unlabelled on record.version (rid) where sensitive is null;
