-- What a user's SearchParameter allows to be asked: comparators, modifiers, names of chains, commas and repetitions.
alter table record.search_parameter add column limits jsonb not null default '{}';
