"""Tell every process at once when something a token rests on has changed: it forgets what it remembers of tokens."""

from django.db import migrations

TELL = """
create function oauth_tell_of_end() returns trigger language plpgsql as $$
begin
    perform pg_notify('yba_ended', '');
    return null;
end $$;
"""
#: A session ends all day; only one that an app came in by is told of.
TELL_OF_SESSION = """
create function oauth_tell_of_session() returns trigger language plpgsql as $$
begin
    if exists (select from oauth_sitting where session = old.session_key and ended_at is null) then
        perform pg_notify('yba_ended', '');
    end if;
    return null;
end $$;
"""
#: Table -> when a change of it ends or changes what a token may.
ROWS = {
    "oauth_app": "after update on oauth_app for each row when "
    "((old.state, old.scopes, old.facility, old.for_citizens, old.for_staff, old.backend, old.method)"
    " is distinct from"
    " (new.state, new.scopes, new.facility, new.for_citizens, new.for_staff, new.backend, new.method))",
    "oauth_connection": "after update on oauth_connection for each row when "
    "((old.scopes, old.until, old.ended_at, old.sensitive) is distinct from"
    " (new.scopes, new.until, new.ended_at, new.sensitive))",
    "oauth_sitting": "after update of ended_at on oauth_sitting for each statement",
    "oauth_accesstoken": "after update of revoked_at on oauth_accesstoken for each statement",
    "accounts_token": "after update or delete on accounts_token for each statement",
    "accounts_account": "after update on accounts_account for each row when "
    "(to_jsonb(old) - 'last_login' is distinct from to_jsonb(new) - 'last_login')",
    "accounts_accountperson": "after insert or update or delete on accounts_accountperson for each statement",
}


class Migration(migrations.Migration):
    dependencies = [
        ("oauth", "0001_initial"),
        ("accounts", "0001_initial"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(TELL, "drop function oauth_tell_of_end()"),
        migrations.RunSQL(TELL_OF_SESSION, "drop function oauth_tell_of_session()"),
        migrations.RunSQL(
            "create trigger oauth_tell_of_session after delete on django_session for each row"
            " execute function oauth_tell_of_session()",
            "drop trigger oauth_tell_of_session on django_session",
        ),
        *(
            migrations.RunSQL(
                f"create trigger oauth_tell_of_end {when} execute function oauth_tell_of_end()",
                f"drop trigger oauth_tell_of_end on {table}",
            )
            for table, when in ROWS.items()
        ),
    ]
