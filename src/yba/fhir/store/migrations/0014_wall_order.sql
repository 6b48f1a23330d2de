-- concurrently
-- The order of storing (0008) by an expression the planner may put to an index before the wall's policy: of those on
-- bigint the database trusts the cast to float8 to tell nothing (leakproof), and not the minus. Exact up to 2^53 rows.
drop index concurrently if exists record.resource_stored_trusted;

create index concurrently resource_stored_trusted on record.resource (type, (rid::float8)) where content is not null;

drop index concurrently if exists record.resource_stored;

alter index record.resource_stored_trusted rename to resource_stored;
