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

#: What a text was understood as, for who looks after messages.
KEYWORDS = {
    "find": _("Xem giờ"),
    "more": _("Xem giờ khác"),
    "choose": _("Chọn giờ"),
    "person": _("Chọn người"),
    "yes": _("Đồng ý"),
    "let-go": _("Bỏ giữ giờ"),
    "cancel": _("Hủy lượt"),
    "visits": _("Xem lịch hẹn"),
    "number": _("Hỏi số thứ tự"),
    "help": _("Hướng dẫn"),
    "stop": _("Thôi nhận tin nhắc"),
    "start": _("Nhận lại tin nhắc"),
    "emergency": _("Cấp cứu"),
    "unknown": _("Không rõ"),
}
