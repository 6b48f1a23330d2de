"""The outbox: a row for what is to be told, written with its cause; a row for each way it took; what people wish."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from yba.care.messages import rules


class Message(models.Model):
    """One thing told to one person.

    ``text``: its words as a text message, as far as they are known. ``values``: what the words are made of.
    ``subject``, ``version``: the booking it is about, and the time and place it tells: sent only while they hold.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("Đang chờ gửi")
        SENT = "sent", _("Đã gửi")
        DELIVERED = "delivered", _("Đã đến nơi")
        FAILED = "failed", _("Không gửi được")
        EXPIRED = "expired", _("Quá hạn gửi")
        VOID = "void", _("Không còn đúng")

    to_phone = models.CharField(max_length=20)
    #: An address of its own, of a message that is there to prove it.
    to_email = models.EmailField(blank=True)
    text = models.TextField(blank=True)
    kind = models.CharField(max_length=40)
    values = models.JSONField(default=dict)
    person = models.CharField(max_length=64, blank=True)
    facility = models.CharField(max_length=64, blank=True)
    subject = models.CharField(max_length=64, blank=True)
    version = models.CharField(max_length=120, blank=True)
    about_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.WAITING)
    dedupe_key = models.CharField(max_length=200, null=True, blank=True, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True)

    class Meta:
        db_table = "messages"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["to_phone", "-created_at"]),
            models.Index(fields=["facility", "-created_at"], name="messages_facility"),
            models.Index(
                fields=["not_before"], condition=models.Q(status="waiting"), name="messages_that_wait"
            ),
            models.Index(fields=["subject"], name="messages_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Delivery(models.Model):
    """One way a message takes to its person, with every try of that way."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Đang chờ")
        SENDING = "sending", _("Đang gửi")
        SENT = "sent", _("Đã gửi")
        DELIVERED = "delivered", _("Đã đến nơi")
        FAILED = "failed", _("Không gửi được")
        EXPIRED = "expired", _("Quá hạn")

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="deliveries")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="message_deliveries",
    )
    channel = models.CharField(max_length=8)
    #: Counts from 1; an administrator's "send again" makes the next.
    round = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    #: Handed to the provider with every try, so that it can tell a second try from a second message.
    key = models.UUIDField(default=uuid.uuid4, unique=True)
    language = models.CharField(max_length=8, default="vi")
    tries = models.PositiveSmallIntegerField(default=0)
    next_try = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    #: Unread until then, the next way is taken.
    seen_by = models.DateTimeField(null=True, blank=True)
    provider_id = models.CharField(max_length=120, blank=True)
    parts = models.PositiveSmallIntegerField(default=0)
    cost = models.PositiveIntegerField(default=0, help_text=_("Đồng"))
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "message_delivery"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["message", "channel", "round"], name="message_delivery_once_a_round"
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["channel", "provider_id"], name="message_delivery_provider"),
            models.Index(fields=["account", "channel", "-created_at"], name="message_delivery_box"),
            models.Index(fields=["sent_at"], name="message_delivery_sent"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.channel} {self.state}"


class Report(models.Model):
    """What a provider said of a message that this house may not have noted as sent yet: it can be that quick."""

    channel = models.CharField(max_length=8)
    provider_id = models.CharField(max_length=120)
    delivered = models.BooleanField()
    error = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "message_report"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["channel", "provider_id"], name="message_report_of")
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.provider_id}"


class Heard(models.Model):
    """A text somebody sent here, as it came; what was answered is the message ``heard:<number>``."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Chờ trả lời")
        ANSWERED = "answered", _("Đã trả lời")
        IGNORED = "ignored", _("Không phải số thuê bao")
        LATE = "late", _("Đến quá muộn")
        TOO_MANY = "too-many", _("Quá nhiều tin")
        INCOMPLETE = "incomplete", _("Thiếu phần")
        FAILED = "failed", _("Chưa trả lời được")

    channel = models.CharField(max_length=8)
    phone = models.CharField(max_length=20)
    to = models.CharField(max_length=20, blank=True)
    text = models.TextField(blank=True)
    #: Hashed: by which a second copy is known.
    key = models.CharField(max_length=64, unique=True)
    provider_id = models.CharField(max_length=120, blank=True)
    #: When it came, and when the provider says it was sent.
    at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    copies = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    #: What it was understood as.
    keyword = models.CharField(max_length=20, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        db_table = "message_heard"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["phone", "-at"], name="message_heard_phone"),
            models.Index(fields=["at"], condition=models.Q(state="waiting"), name="message_heard_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.pk} {self.state}"


class Piece(models.Model):
    """A part of a text whose other parts have not come yet."""

    #: Channel, who sent it, to which number, the parts' reference and how many there are.
    key = models.CharField(max_length=120)
    number = models.PositiveSmallIntegerField()
    body = models.BinaryField()
    coding = models.CharField(max_length=12)
    at = models.DateTimeField()

    class Meta:
        db_table = "message_piece"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["key", "number"], name="message_piece_key"),
            models.Index(fields=["at"], name="message_piece_at"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.number}"


class Stop(models.Model):
    """A number that wants no reminders and no invitations any more by text, call or Zalo (NĐ 91/2020/NĐ-CP, Đ16)."""

    phone = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "message_stop"

    def __str__(self) -> str:
        return f"{self.at:%d/%m/%Y}"


class Preference(models.Model):
    """How one person wants to be told."""

    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="message_preference"
    )
    first = models.CharField(max_length=8, blank=True, default="")
    zalo = models.BooleanField(default=True)
    voice = models.BooleanField(default=False)
    reminders = models.BooleanField(default=True)
    quiet_from = models.TimeField(default=rules.QUIET_FROM)
    quiet_to = models.TimeField(default=rules.QUIET_TO)
    email = models.EmailField(blank=True)
    email_proved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "message_preference"

    def __str__(self) -> str:
        return f"{self.account_id}: {self.first}"


class Subscription(models.Model):
    """A browser that asked to be told by push (RFC 8030)."""

    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="push_subscriptions"
    )
    endpoint = models.CharField(max_length=1000, unique=True)
    p256dh = models.CharField(max_length=200)
    auth = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "message_subscription"

    def __str__(self) -> str:
        return f"{self.account_id}: {self.pk}"

    def as_push(self) -> dict[str, Any]:
        """As the push libraries take it."""
        return {"endpoint": self.endpoint, "keys": {"p256dh": self.p256dh, "auth": self.auth}}
