-- concurrently
-- A search of a chart names the shard of its person (docs/explanation/scale.md). The chart's index holds it, so that
-- the planner does not seek all rows of the shard beside those of the person.
drop index concurrently if exists record.resource_charted;

create index concurrently resource_charted on record.resource (patient, type, occurred desc, rid desc, shard)
 where patient is not null and content is not null;

drop index concurrently if exists record.resource_chart;

alter index record.resource_charted rename to resource_chart;

-- All rows of a person lie on one shard: else "of this person" and "on this shard" are taken for two questions, each
-- of which leaves few rows, and no rows are expected.
create statistics if not exists record.resource_patient_shard (dependencies) on patient, shard from record.resource;

analyze record.resource (patient, shard);
