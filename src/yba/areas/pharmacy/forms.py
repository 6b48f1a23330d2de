"""What the counter's pages send: how many of each line, and goods received."""

from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from yba.areas.pharmacy import rules
from yba.ui.fields import DateField


def quantities(post: QueryDict) -> dict[str, int]:
    """``take-<request id>`` fields as whole numbers; anything else typed counts as nothing."""
    found = {}
    for name, value in post.items():
        text = str(value).strip()
        if name.startswith("take-") and text.isdecimal() and len(text) < 6:
            found[name.removeprefix("take-")] = int(text)
    return found


class ReceiptForm(forms.Form):
    """Goods received: one lot of one drug."""

    number = forms.CharField(label=_("Số lô"), max_length=32)
    expiry = DateField(label=_("Hạn dùng"), not_past=True)
    quantity = forms.IntegerField(label=_("Số lượng"), min_value=1, max_value=rules.MOST_RECEIVED)
