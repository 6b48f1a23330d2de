-- Views (SQL on FHIR): functions that compiled views call, the definitions kept, the tables made of them.

-- The items of an element that repeats; one alone counts as a list of one, nulls (placeholders) do not count.
create function record.view_items(items jsonb) returns jsonb language sql immutable parallel safe
return case
    when items is null or items = 'null' then '[]'::jsonb
    when jsonb_typeof(items) <> 'array' then jsonb_build_array(items)
    when items @> '[null]' then jsonb_path_query_array(items, '$[*] ? (@ != null)')
    else items
end;

create function record.view_list(item jsonb) returns jsonb language sql immutable parallel safe
return case when item is null then '[]'::jsonb else jsonb_build_array(item) end;

-- The only item of a list, null of none; several are an error with SQLSTATE YB001 and the message given.
create function record.view_one(items jsonb, message text) returns jsonb language plpgsql immutable parallel safe as $$
begin
    if jsonb_array_length(items) > 1 then
        raise exception using errcode = 'YB001', message = message;
    end if;
    return items -> 0;
end $$;

-- FHIRPath 4.5: one value of another type than boolean counts as true.
create function record.view_truth(item jsonb) returns boolean language sql immutable parallel safe
return case when item is null then null when jsonb_typeof(item) = 'boolean' then item::boolean else true end;

create function record.view_strict_truth(item jsonb, message text) returns boolean language plpgsql immutable parallel safe as $$
begin
    if item is not null and jsonb_typeof(item) <> 'boolean' then
        raise exception using errcode = 'YB001', message = message;
    end if;
    return item::boolean;
end $$;

-- The items of a list of lists, with the number of their list and their place in it.
create function record.view_branches(lists jsonb) returns table (item jsonb, branch bigint, n bigint)
    language sql immutable parallel safe as $$
    select i.item, b.n, i.n from jsonb_array_elements(lists) with ordinality b(items, n),
        jsonb_array_elements(b.items) with ordinality i(item, n)
$$;

-- Dates and times as FHIRPath compares them (6.1.1, 6.2): a moment is its text; what it leaves open is a span.
create function record.view_body(moment text) returns text language sql immutable parallel safe
return regexp_replace(moment, '(Z|[+-][0-9][0-9]:[0-9][0-9])$', '');

create function record.view_zone(moment text) returns text language sql immutable parallel safe
return substring(moment from 'T.*(Z|[+-][0-9][0-9]:[0-9][0-9])$');

create function record.view_low(moment text) returns timestamptz language sql stable parallel safe
return (record.view_body(moment) || substr('0000-01-01T00:00:00', length(record.view_body(moment)) + 1)
        || coalesce(record.view_zone(moment), 'Z'))::timestamptz;

create function record.view_span(body text) returns interval language sql immutable parallel safe
return case length(body)
    when 4 then interval '1 year' when 7 then interval '1 month' when 10 then interval '1 day'
    when 13 then interval '1 hour' when 16 then interval '1 minute' else interval '0' end;

-- -1, 0 or 1; null where it cannot be told.
create function record.view_compare(a text, b text) returns integer language sql stable parallel safe
return case
    when a is null or b is null then null
    when a = b then 0
    when (position('T' in a) > 0) and (position('T' in b) > 0)
        and (record.view_zone(a) is null) <> (record.view_zone(b) is null) then null
    when least(length(record.view_body(a)), 19) = least(length(record.view_body(b)), 19) then
        case when record.view_low(a) < record.view_low(b) then -1
             when record.view_low(a) > record.view_low(b) then 1 else 0 end
    when record.view_low(a) + record.view_span(record.view_body(a)) <= record.view_low(b)
        and record.view_low(a) < record.view_low(b) then -1
    when record.view_low(b) + record.view_span(record.view_body(b)) <= record.view_low(a)
        and record.view_low(b) < record.view_low(a) then 1
end;

create function record.view_compare_time(a text, b text) returns integer language sql immutable parallel safe
return case
    when a is null or b is null then null
    when length(a) < 8 and length(a) <> length(b) and left(b, length(a)) = a then null
    when length(b) < 8 and length(a) <> length(b) and left(a, length(b)) = b then null
    when rtrim(rtrim(a || case when length(a) = 8 then '.' else '' end, '0'), '.') collate "C"
       = rtrim(rtrim(b || case when length(b) = 8 then '.' else '' end, '0'), '.') collate "C" then 0
    when a collate "C" < b collate "C" then -1
    else 1
end;

-- FHIRPath lowBoundary and highBoundary: the text filled up, cut to `width` characters.
create function record.view_moment_low(moment text, width integer, zoned boolean) returns text
    language sql immutable parallel safe
return left(record.view_body(moment) || substr('0000-01-01T00:00:00.000', length(record.view_body(moment)) + 1), width)
    || case when zoned then coalesce(record.view_zone(moment), '+14:00') else '' end;

create function record.view_last_day(month text) returns text language sql immutable parallel safe
return case
    when substr(month, 6, 2) in ('04', '06', '09', '11') then '30'
    when substr(month, 6, 2) <> '02' then '31'
    when left(month, 4)::integer % 4 = 0
        and (left(month, 4)::integer % 100 <> 0 or left(month, 4)::integer % 400 = 0) then '29'
    else '28' end;

create function record.view_moment_high(moment text, width integer, zoned boolean) returns text
    language sql immutable parallel safe
return left(record.view_body(moment) || substr(
        case when length(record.view_body(moment)) = 7
            then '0000-00-' || record.view_last_day(moment) else '0000-12-31' end || 'T23:59:59.999',
        length(record.view_body(moment)) + 1), width)
    || case when zoned then coalesce(record.view_zone(moment), '-12:00') else '' end;

create function record.view_number_edge(number text, places integer, side integer) returns numeric
    language sql immutable parallel safe
return case when side < 0
    then floor((number::numeric - 0.5 * power(10::numeric, -scale(number::numeric))) * power(10::numeric, places))
    else ceil((number::numeric + 0.5 * power(10::numeric, -scale(number::numeric))) * power(10::numeric, places))
    end / power(10::numeric, places);

-- Tables made of views live in a schema of their own; one row here says of what each was made. Nothing of the
-- FHIR endpoint reads them: they are for those who may open the database itself.
create schema if not exists views;

create table record.view_table (
    name       text primary key check (name ~ '^[A-Za-z][A-Za-z0-9_]{0,62}$'),
    definition text not null,               -- the ViewDefinition as it was sent
    narrowed   text not null,               -- patient, group and _since of the first making, as JSON
    refreshed  timestamptz,
    rows       bigint
);
