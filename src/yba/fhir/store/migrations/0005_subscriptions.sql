-- Who is told of what. Tables kept whole on every kind of installation (not distributed).

-- One row a Subscription that is not off: for whom it asks, and how its telling goes.
create table record.subscription (
    id        text        not null collate "C" constraint subscription_pk primary key,
    actor     jsonb       not null,              -- who set it up: it is told what they may see, no more
    state     text        not null constraint subscription_state check (state in ('requested', 'active', 'error')),
    since     timestamptz not null,              -- what happened before is not told
    number    bigint      not null default 0,    -- of the last event
    failures  integer     not null default 0,    -- in a row
    retry_at  timestamptz not null,
    told_at   timestamptz not null,              -- the last notification or heartbeat that arrived
    error     text
);

-- What is to be told, in order. A told event stays for a while: it can be asked for again.
create table record.subscription_event (
    subscription text        not null collate "C" references record.subscription on delete cascade,
    number       bigint      not null,
    at           timestamptz not null,
    method       text        not null,
    type         text        not null collate "C",
    id           text        not null collate "C",
    version      integer     not null,
    told         boolean     not null default false,
    constraint subscription_event_pk primary key (subscription, number)
);
create index subscription_event_waiting on record.subscription_event (subscription, number) where not told;
create index subscription_event_old on record.subscription_event (at) where told;
