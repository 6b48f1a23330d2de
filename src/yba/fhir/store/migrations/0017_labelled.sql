-- concurrently
-- The few rows of a chart that bear a sensitive label, found at once (yba.fhir.record.labelled): no device keeps a page
-- made of such a chart.
drop index concurrently if exists record.resource_labelled;

create index concurrently resource_labelled on record.resource (patient, type) where sensitive <> 0 and content is not null;
