"""Second factors: checking a typed code, setting one up, taking them away, and the demo's authenticator.

allauth keeps the factors; what is stricter here: tries are counted in the database, a code of an authenticator counts
once for every process (its counter is kept under a row lock, RFC 6238 section 5.2), and secrets are enciphered.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from typing import Final

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from yba.site.accounts import events, limits, rules
from yba.site.accounts.models import Account

STEP: Final = 30
#: A phone's clock may be a step off.
TOLERANCE: Final = 1


def may_try(account: Account, *, address: str) -> bool:
    """Count a try of a factor for the account and for the address."""
    now, window = timezone.now(), rules.PASSWORD_WINDOW
    return limits.take(
        f"factor:n:{account.pk}", most=rules.FACTORS_PER_ACCOUNT, window=window, now=now
    ) and limits.take(f"factor:a:{address}", most=rules.FACTORS_PER_ADDRESS, window=window, now=now)


def succeeded(account: Account, *, address: str) -> None:
    """Forget the wrong tries of the account; this one was none of the address either."""
    limits.clear(f"factor:n:{account.pk}")
    limits.give_back(f"factor:a:{address}")


def failed(request: HttpRequest, account: Account, what: str) -> None:
    events.note("sign-in-failed", request=request, account=account, detail=what, outcome="refused")


def of_code(account: Account, code: str) -> Authenticator | None:
    """The authenticator or the recovery codes a typed code belongs to; it is used up by this."""
    typed = re.sub(r"[\s-]", "", code)
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update().filter(user=account, type__in=kinds)
        for row in sorted(rows, key=lambda one: kinds.index(one.type)):
            if row.type == Authenticator.Type.TOTP and _totp_counts(row, typed, repeat=_is_demo(account)):
                return row
            if row.type == Authenticator.Type.RECOVERY_CODES and row.wrap().validate_code(typed):
                return row
    return None


def _totp_counts(row: Authenticator, typed: str, *, repeat: bool) -> bool:
    secret, now = decrypt(row.data["secret"]), int(time.time()) // STEP
    for counter in range(now - TOLERANCE, now + TOLERANCE + 1):
        same = hmac.compare_digest(format_hotp_value(hotp_value(secret, counter)).encode(), typed.encode())
        if same and (repeat or counter > row.data.get("counter", -1)):
            row.data["counter"] = counter
            row.save(update_fields=["data"])
            return True
    return False


def reset(account: Account) -> int:
    """Take all factors away, so that the next sign-in sets up new ones; how many there were."""
    count, _each = Authenticator.objects.filter(user=account).delete()
    return int(count)


def set_up_totp(account: Account, secret: str) -> list[str]:
    """Keep the authenticator and new recovery codes; the codes, to be shown once."""
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)
        Authenticator.objects.filter(user=account, type=Authenticator.Type.TOTP).delete()
        TOTP.activate(account, secret)
        return fresh_codes(account)


def fresh_codes(account: Account) -> list[str]:
    """New recovery codes in place of the old, marked as shown."""
    Authenticator.objects.filter(user=account, type=Authenticator.Type.RECOVERY_CODES).delete()
    codes = RecoveryCodes.activate(account)
    codes.mark_as_viewed()
    found: list[str] = codes.get_unused_codes()
    return found


# -- the demo -------------------------------------------------------------------------------------------


def _is_demo(account: Account) -> bool:
    """Only in a demo, only for its invented accounts: many visitors share one authenticator."""
    return bool(settings.YBA_DEMO and account.is_demo)


def demo_secret(login: str) -> str:
    """The authenticator of a demo account: its own in every house, made from the house's secret."""
    key = hmac.new(settings.SECRET_KEY.encode(), f"demo:{login}".encode(), hashlib.sha256).digest()
    return base64.b32encode(key[:20]).decode()


def demo_code(account: Account) -> str:
    """What the demo shows beside the field; empty for everybody else."""
    if not _is_demo(account):
        return ""
    return str(format_hotp_value(hotp_value(demo_secret(account.login), int(time.time()) // STEP)))


def keep_demo(account: Account) -> None:
    """Give a demo account of staff its authenticator."""
    if not _is_demo(account):
        raise ValueError("Only demo accounts have a known authenticator.")
    Authenticator.objects.filter(user=account, type=Authenticator.Type.TOTP).delete()
    TOTP.activate(account, demo_secret(account.login))
