"""Erasing an account: everything that hangs on it alone goes; its number stays, because the audit names it.

The books an account opened are no part of it: the law keeps them (TT 33/2025/TT-BYT). Proof of consents and requests
stays as well (NĐ 356/2025 Đ6), under the number.
"""

from __future__ import annotations

from django.db import models, transaction

from yba.care.messages.models import Heard, Message, Stop
from yba.site.accounts.models import Account, SignInCode
from yba.site.oauth.models import App


def erase_account(account: Account) -> None:
    """Take away numbers, devices, keys, family, tokens and names, and close the account for good."""
    with transaction.atomic():
        row = Account.objects.select_for_update().get(pk=account.pk)
        numbers = _numbers(row)
        Message.objects.filter(deliveries__account=row).delete()
        for relation in row._meta.related_objects:
            field = relation.field
            if relation.related_model is App:  # others use it: it goes on, without whose it was
                App.objects.filter(registered_by=row).update(registered_by=None)
            elif isinstance(field, models.ForeignKey):
                relation.related_model._base_manager.filter(**{field.name: row}).delete()
        SignInCode.objects.filter(phone__in=numbers).delete()
        Message.objects.filter(to_phone__in=numbers).delete()
        Heard.objects.filter(phone__in=numbers).delete()
        Stop.objects.filter(phone__in=numbers).delete()
        for column in Account._meta.concrete_fields:
            if not column.primary_key and column.name not in ("role", "created_at", "is_demo"):
                setattr(row, column.attname, column.get_default())
        row.login, row.is_active = f"erased-{row.pk}", False
        row.set_unusable_password()  # sessions that are open end with it
        row.save()


def _numbers(account: Account) -> list[str]:
    """The telephone numbers an account ever signed in with."""
    found = {account.login, account.phone}
    for relation in account._meta.related_objects:
        if relation.related_model.__name__ == "Phone":
            found.update(
                relation.related_model._base_manager.filter(**{relation.field.name: account}).values_list(
                    "number", flat=True
                )
            )
    return sorted(number for number in found if number)
