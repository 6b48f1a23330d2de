-- concurrently
-- A search without `_sort` shows what was stored last first. The planner would walk `resource_rid` for it, over the
-- rows of all other types; an order that this index alone has leaves it no choice.
drop index concurrently if exists record.resource_stored;

create index concurrently resource_stored on record.resource (type, (- rid)) where content is not null;

-- How common a code is depends on its parameter: "final" is rare among tokens and what most results are.
create statistics if not exists record.token_param_code (mcv) on param, code from record.token;
