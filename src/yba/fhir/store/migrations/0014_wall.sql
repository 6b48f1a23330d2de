-- The second wall (docs/decisions/0013): rows of persons an actor does not stand to are hidden by the database itself,
-- should a query ever forget the door's condition. The tables' owner (worker, commands, migrations) passes; every other
-- login sees what the settings yba.* of its session let it, which yba.fhir.access.wall tells it. Nothing told, nothing
-- seen. For PUBLIC, not for a role by name: roles are of the whole cluster, and a dump must go into another one.
--
-- The arms are in the order of their cost. The last is a function and no subquery: a plan begins its subqueries with
-- every execution, also for who never comes to them, and a read by id is mostly that.
-- Standings are held against the database's clock a day to either side; the door holds them against the record's.
create function record.is_known(person text) returns boolean language plpgsql stable parallel safe as $$
begin
    return exists (
        select from record.standing s
         where s.patient = person
           and s.holder = any (string_to_array(current_setting('yba.holders', true), e'\x1f'))
           and s.basis <> 'denial'
           and ((s.since < now() + interval '1 day' and s.until > now() - interval '1 day')
                or current_setting('yba.times', true) = 'any'));
end $$;

create policy wall on record.resource for all to public using (
    current_setting('yba.reach', true) = 'all'
    or strpos(current_setting('yba.types', true), ' ' || type || ' ') > 0
    or (facility = current_setting('yba.facility', true)
        and strpos(current_setting('yba.kept', true), ' ' || type || ' ') > 0)
    or patient = current_setting('yba.person', true)
    or (strpos(current_setting('yba.known', true), ' ' || type || ' ') > 0 and record.is_known(patient))
);

create policy wall on record.version for all to public using (
    current_setting('yba.reach', true) = 'all'
    or strpos(current_setting('yba.types', true), ' ' || type || ' ') > 0
    or (facility = current_setting('yba.facility', true)
        and strpos(current_setting('yba.kept', true), ' ' || type || ' ') > 0)
    or patient = current_setting('yba.person', true)
    or (strpos(current_setting('yba.known', true), ' ' || type || ' ') > 0 and record.is_known(patient))
);

alter table record.resource enable row level security;
alter table record.version enable row level security;

-- Rows whoever may see them, for the few statements of the store that decide, lock and derive. A view reads with the
-- rights of its owner, who is the tables'.
create view record.unwalled_resource as
select shard, rid, type, id, version, updated, patient, facility, occurred, content, sensitive from record.resource;

create view record.unwalled_version as
select shard, type, id, version, updated, method, actor, patient, facility, rid, content from record.version;
