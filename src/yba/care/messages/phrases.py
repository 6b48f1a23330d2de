"""Words of the messages' pages that stand in more than one place."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

CHANNELS: Final = {
    "app": _("Hộp tin"),
    "push": _("Thông báo trên máy"),
    "zalo": _("Zalo"),
    "sms": _("Tin nhắn SMS"),
    "email": _("Thư điện tử"),
    "voice": _("Gọi điện"),
}
