-- The same wall (0014), asked at less cost: who passes is what it was, row by row.
--
-- A policy's expression is made ready anew with every execution, each function in it, also those that are not come to;
-- that, and a query inside of plpgsql, was most of what the wall cost a read by id. So: whose chart it is first, for
-- citizens; what was looked up already (record.of_one); whether somebody stands to the person, by a subquery that is
-- asked row by row (an EXISTS with OFFSET is never turned into a join or a table of all whom one knows); the rest in a
-- function, of which only that is made ready which is come to.

-- Whether a row passes by who keeps it, by its type, or, for a record with a clock of its own, by a standing of any time.
create function record.passes(type text, facility text, patient text) returns boolean
language plpgsql stable parallel safe as $$
begin
    if facility = current_setting('yba.facility', true)
       and strpos(current_setting('yba.kept', true), ' ' || type || ' ') > 0 then
        return true;
    end if;
    if strpos(current_setting('yba.types', true), ' ' || type || ' ') > 0 then
        return true;
    end if;
    if current_setting('yba.times', true) = 'any'
       and strpos(current_setting('yba.known', true), ' ' || type || ' ') > 0 then
        return record.is_known(patient);
    end if;
    return false;
end $$;

-- For a statement about one person's rows of one type: look up once whether they pass because somebody stands to the
-- person, and note it, so that it is not asked of each row. Gives the person back, so that it comes before any row of
-- theirs: `r.patient = (select record.of_one('Observation', ...))`. The note ends with the transaction. It must not
-- outlive its statement, and what is taken back meanwhile: only for statements that are a transaction of their own.
create function record.of_one(type text, person text) returns text language plpgsql volatile as $$
begin
    if strpos(current_setting('yba.known', true), ' ' || type || ' ') > 0
       and record.is_known(person) then
        perform set_config('yba.passed', type || '/' || person, true);
    end if;
    return person;
end $$;

alter policy wall on record.resource using (
    patient = current_setting('yba.person', true)
    or type || '/' || patient = current_setting('yba.passed', true)
    or current_setting('yba.reach', true) = 'all'
    or (strpos(current_setting('yba.known', true), ' ' || type || ' ') > 0
        and exists (
            select from record.standing s
             where s.patient = resource.patient
               and s.holder = any (string_to_array(current_setting('yba.holders', true), e'\x1f'))
               and s.basis <> 'denial'
               and s.since < now() + interval '1 day' and s.until > now() - interval '1 day'
            offset 0))
    or record.passes(type, facility, patient)
);

alter policy wall on record.version using (
    patient = current_setting('yba.person', true)
    or type || '/' || patient = current_setting('yba.passed', true)
    or current_setting('yba.reach', true) = 'all'
    or (strpos(current_setting('yba.known', true), ' ' || type || ' ') > 0
        and exists (
            select from record.standing s
             where s.patient = version.patient
               and s.holder = any (string_to_array(current_setting('yba.holders', true), e'\x1f'))
               and s.basis <> 'denial'
               and s.since < now() + interval '1 day' and s.until > now() - interval '1 day'
            offset 0))
    or record.passes(type, facility, patient)
);
