-- Long work: exports, imports, reindexing. One row a job; a worker claims it, says how far it is, and leaves a result.
-- A table of its own, kept whole on every kind of installation (not distributed).

create table record.job (
    id        text        not null collate "C" constraint job_pk primary key,  -- unguessable: it is part of a URL
    kind      text        not null,
    state     text        not null default 'queued'
              constraint job_state check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
    actor     jsonb       not null,         -- for whom it works: the same access door as a request of theirs
    params    jsonb       not null,
    kept      jsonb,                        -- where it was, to go on after a crash
    done      bigint      not null default 0,
    total     bigint,
    result    jsonb,
    error     text,
    cancel    boolean     not null default false,
    attempts  integer     not null default 0,
    created   timestamptz not null,
    started   timestamptz,
    beat      timestamptz,                  -- the last sign of life of who works on it
    finished  timestamptz
);
create index job_waiting on record.job (created) where state in ('queued', 'running');
