-- Who has written themselves into a visit, a team or a role: no sensitive label passes by such a standing.
alter table record.standing add column claimed boolean not null default false;

-- What a person denies stands against what their other consents permit. Holder '*': to anybody.
alter table record.standing drop constraint standing_basis_check;
alter table record.standing add constraint standing_basis_check check (basis in
    ('visit', 'booking', 'care-team', 'transfer', 'consent', 'emergency', 'guardian', 'delegate', 'denial')) not valid;
