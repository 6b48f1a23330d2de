-- What compiled views call, for DuckDB: the same names and meanings as in the record's migration 0006_views.
-- Decimals are kept as texts that begin with U+0001 (see duck.py), so that their digits stay.
create schema if not exists record;

create or replace macro record.view_items(items) as
    case
        when items is null or json_type(items) = 'NULL' then []::json[]
        when json_type(items) = 'ARRAY'
            then list_filter(json_extract(items, '$[*]'), lambda kept: kept::varchar <> 'null')
        else [items]
    end;

create or replace macro record.view_truth(item) as
    case when item is null then null when json_type(item) = 'BOOLEAN' then item::varchar = 'true' else true end;

create or replace macro record.view_body(moment) as regexp_replace(moment, '(Z|[+-][0-9][0-9]:[0-9][0-9])$', '');

create or replace macro record.view_zone(moment) as nullif(regexp_extract(moment, 'T.*(Z|[+-][0-9][0-9]:[0-9][0-9])$', 1), '');

create or replace macro record.view_low(moment) as
    (record.view_body(moment) || substr('0000-01-01T00:00:00', length(record.view_body(moment)) + 1)
        || coalesce(record.view_zone(moment), 'Z'))::timestamptz;

create or replace macro record.view_high(moment) as
    record.view_low(moment) + case length(record.view_body(moment))
        when 4 then interval '1 year' when 7 then interval '1 month' when 10 then interval '1 day'
        when 13 then interval '1 hour' when 16 then interval '1 minute' else interval '0 day' end;

create or replace macro record.view_compare(a, b) as case
    when a is null or b is null then null
    when a = b then 0
    when contains(a, 'T') and contains(b, 'T')
        and (record.view_zone(a) is null) <> (record.view_zone(b) is null) then null
    when least(length(record.view_body(a)), 19) = least(length(record.view_body(b)), 19) then
        case when record.view_low(a) < record.view_low(b) then -1
             when record.view_low(a) > record.view_low(b) then 1 else 0 end
    when record.view_high(a) <= record.view_low(b) and record.view_low(a) < record.view_low(b) then -1
    when record.view_high(b) <= record.view_low(a) and record.view_low(b) < record.view_low(a) then 1
end;

create or replace macro record.view_time_key(moment) as
    rtrim(rtrim(moment || case when length(moment) = 8 then '.' else '' end, '0'), '.');

create or replace macro record.view_compare_time(a, b) as case
    when a is null or b is null then null
    when length(a) < 8 and length(a) <> length(b) and left(b, length(a)) = a then null
    when length(b) < 8 and length(a) <> length(b) and left(a, length(b)) = b then null
    when record.view_time_key(a) = record.view_time_key(b) then 0
    when a < b then -1
    else 1
end;

create or replace macro record.view_moment_low(moment, width, zoned) as
    left(record.view_body(moment) || substr('0000-01-01T00:00:00.000', length(record.view_body(moment)) + 1), width)
    || case when zoned then coalesce(record.view_zone(moment), '+14:00') else '' end;

create or replace macro record.view_last_day(month) as case
    when substr(month, 6, 2) in ('04', '06', '09', '11') then '30'
    when substr(month, 6, 2) <> '02' then '31'
    when left(month, 4)::integer % 4 = 0
        and (left(month, 4)::integer % 100 <> 0 or left(month, 4)::integer % 400 = 0) then '29'
    else '28' end;

create or replace macro record.view_moment_high(moment, width, zoned) as
    left(record.view_body(moment) || substr(
        case when length(record.view_body(moment)) = 7
            then '0000-00-' || record.view_last_day(moment) else '0000-12-31' end || 'T23:59:59.999',
        length(record.view_body(moment)) + 1), width)
    || case when zoned then coalesce(record.view_zone(moment), '-12:00') else '' end;

create or replace macro record.view_decimals(number) as
    case when contains(number, '.') then length(number) - position('.' in number) else 0 end;

create or replace macro record.view_half(number) as
    ('0.' || repeat('0', record.view_decimals(number)) || '5')::decimal(38, 12);

create or replace macro record.view_number_edge(number, places, side) as
    (case when side < 0
        then floor((number::decimal(38, 12) - record.view_half(number)) * power(10, least(places, 12))::bigint)
        else ceil((number::decimal(38, 12) + record.view_half(number)) * power(10, least(places, 12))::bigint)
    end::double / power(10, least(places, 12)))::decimal(38, 12);
