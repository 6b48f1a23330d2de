"""What waits for somebody: a share that was asked for, the review of an emergency opening, the request of next of kin.

Never who may see what: that is the record's Consents alone. They name persons and accounts by their ids.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Ask(models.Model):
    """A consent that was asked for, or an invitation of a relative: answered once, by link or by code."""

    class Kind(models.TextChoices):
        SHARE = "share", _("Cơ sở xin xem sổ")
        INVITE = "invite", _("Mời người thân")
        CHILD = "child", _("Tài khoản riêng của trẻ")

    class State(models.TextChoices):
        WAITING = "waiting", _("Chờ trả lời")
        GIVEN = "given", _("Đã đồng ý")
        DECLINED = "declined", _("Đã từ chối")
        WITHDRAWN = "withdrawn", _("Đã rút")

    kind = models.CharField(max_length=16, choices=Kind.choices)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    patient_id = models.CharField(max_length=64)
    patient_name = models.CharField(max_length=200)
    phone = models.CharField(max_length=20, help_text=_("Số nhận tin"))
    facility = models.CharField(max_length=64, blank=True)
    facility_name = models.CharField(max_length=200, blank=True)
    account = models.CharField(max_length=64)
    by_name = models.CharField(max_length=200)
    #: SHA-256 of the link's key; HMAC of the code.
    token = models.CharField(max_length=64, unique=True)
    code = models.CharField(max_length=64, blank=True)
    code_until = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    #: The Consent that waits (an invitation), or that was given.
    consent = models.CharField(max_length=64, blank=True)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["patient_id", "facility", "-asked_at"], name="sharing_ask_newest"),
            models.Index(fields=["consent"], name="sharing_ask_consent"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.patient_id} {self.state}"


class Review(models.Model):
    """An emergency opening that an auditor has to judge. The opening itself is the Consent."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Chờ xem xét")
        JUSTIFIED = "justified", _("Có lý do chính đáng")
        UNJUSTIFIED = "unjustified", _("Không có lý do chính đáng")

    consent = models.CharField(max_length=64, unique=True)
    patient_id = models.CharField(max_length=64, db_index=True)
    patient_name = models.CharField(max_length=200)
    facility = models.CharField(max_length=64)
    facility_name = models.CharField(max_length=200, blank=True)
    practitioner = models.CharField(max_length=64)
    account = models.CharField(max_length=64)
    by_name = models.CharField(max_length=200)
    role = models.CharField(max_length=32)
    reason = models.CharField(max_length=32)
    words = models.TextField()
    opened_at = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    told = models.PositiveSmallIntegerField(
        default=0, help_text=_("Số tin đã gửi cho người bệnh, người giám hộ")
    )
    due = models.DateField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    note = models.TextField(blank=True)
    judged_at = models.DateTimeField(null=True, blank=True)
    judged_by = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["facility", "state", "due"], name="sharing_review_list")
        ]

    def __str__(self) -> str:
        return f"{self.consent} {self.state}"


class KinRequest(models.Model):
    """Next of kin ask to see the locked book of somebody who has died; a records office compares papers and decides."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Chờ xem xét")
        ACCEPTED = "accepted", _("Đã mở")
        REFUSED = "refused", _("Không mở")

    #: What the asker knows of the person; who it is in the record, the records office says.
    number = models.CharField(max_length=12, help_text=_("Số căn cước của người đã mất"))
    name = models.CharField(max_length=200)
    relation = models.CharField(max_length=32)
    why = models.TextField()
    facility = models.CharField(max_length=64)
    facility_name = models.CharField(max_length=200)
    asker = models.CharField(max_length=64, help_text=_("Sổ của người xin"))
    asker_name = models.CharField(max_length=200)
    account = models.CharField(max_length=64)
    paper = models.BinaryField()
    paper_kind = models.CharField(max_length=80)
    paper_name = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    due = models.DateField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    patient_id = models.CharField(max_length=64, blank=True)
    answer = models.TextField(blank=True)
    consent = models.CharField(max_length=64, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=200, blank=True)
    once = models.CharField(max_length=64, unique=True, null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["facility", "state", "due"], name="sharing_kin_list")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.state}"
