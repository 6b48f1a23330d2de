"""Consents and requests: ordinary tables, because FHIR R4 has no resource for them (house.md, section 2).

They name accounts and persons by their ids alone and survive an account: proof must (NĐ 356/2025 Đ6).
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Agreement(models.Model):
    """One act of agreeing or withdrawing. Appended only; what holds is the newest of a person and purpose."""

    class Method(models.TextChoices):
        PAGE = "page", _("Trên trang của mình")
        DESK = "desk", _("Tại quầy")
        PAPER = "paper", _("Giấy có chữ ký")

    patient_id = models.CharField(max_length=64)
    account = models.CharField(max_length=64)
    purpose = models.CharField(max_length=32)
    version = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, help_text=_("Dấu vết của đúng câu chữ đã đọc"))
    given = models.BooleanField()
    at = models.DateTimeField()
    method = models.CharField(max_length=16, choices=Method.choices)
    by_name = models.CharField(max_length=200)
    evidence = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["patient_id", "purpose", "-at"], name="privacy_agreement_newest")
        ]

    def __str__(self) -> str:
        return f"{self.patient_id} {self.purpose}/{self.version}: {self.given}"


class Request(models.Model):
    """What a person asks about their data, and what came of it."""

    class Kind(models.TextChoices):
        CORRECT = "correct", _("Xin sửa")
        ERASE = "erase", _("Xin xóa")
        RESTRICT = "restrict", _("Xin hạn chế dùng")
        QUESTION = "question", _("Hỏi về một lần mở sổ")

    class State(models.TextChoices):
        OPEN = "open", _("Chờ trả lời")
        TAKEN = "taken", _("Đang xem")
        ACCEPTED = "accepted", _("Đã làm theo")
        REFUSED = "refused", _("Không làm được")
        WITHDRAWN = "withdrawn", _("Người xin đã rút")

    #: State -> kind of status (`yba.ui`'s words for it).
    KINDS: ClassVar[dict[str, str]] = {
        "open": "wait", "taken": "now", "accepted": "done", "refused": "missed", "withdrawn": "off",
    }  # fmt: skip
    #: Those somebody must still answer.
    PENDING: ClassVar[tuple[str, str]] = ("open", "taken")

    kind = models.CharField(max_length=16, choices=Kind.choices)
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    patient_id = models.CharField(max_length=64, db_index=True)
    patient_name = models.CharField(max_length=200)
    account = models.CharField(max_length=64)
    facility = models.CharField(max_length=64, blank=True)
    facility_name = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=140, blank=True, help_text=_("Mục trong sổ, như Encounter/1"))
    subject_words = models.CharField(max_length=300, blank=True)
    wrong = models.TextField(blank=True)
    right = models.TextField(blank=True)
    asked_at = models.DateTimeField()
    reply_due = models.DateField()
    due = models.DateField()
    is_extended = models.BooleanField(default=False)
    replied_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=200, blank=True)
    answer = models.TextField(blank=True)
    article = models.CharField(max_length=300, blank=True)
    addendum = models.CharField(max_length=140, blank=True)
    provenance = models.CharField(max_length=140, blank=True)
    once = models.CharField(max_length=64, unique=True, null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["facility", "state", "due"], name="privacy_request_list")
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind} {self.state}"

    @property
    def number(self) -> str:
        """What people call it by."""
        return f"YC-{self.pk:05d}"

    @property
    def state_words(self) -> str:
        """How it stands; of a question, what the facility found."""
        if self.kind == self.Kind.QUESTION and self.state in ("accepted", "refused"):
            return gettext("Mở không đúng, đã xử lý") if self.state == "accepted" else gettext("Mở đúng việc")
        return str(self.get_state_display())

    @property
    def state_kind(self) -> str:
        """The kind of status it is shown as; a question that was answered is done, whatever was found."""
        if self.kind == self.Kind.QUESTION and self.state in ("accepted", "refused"):
            return "done"
        return self.KINDS[self.state]

    @property
    def questioned(self) -> str:
        """The account whose opening a question is about: it doesn't answer for itself."""
        return self.subject.rpartition("/")[2] if self.kind == self.Kind.QUESTION else ""

    @property
    def is_pending(self) -> bool:
        return self.state in self.PENDING


class Step(models.Model):
    """One thing done about a request. Appended only."""

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="steps")
    at = models.DateTimeField()
    by_name = models.CharField(max_length=200)
    words = models.CharField(max_length=200)
    note = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.words}"


class Officer(models.Model):
    """Who protects the data of a facility, and how people reach them. Luật 91/2025/QH15 Đ38. The newest row holds."""

    facility = models.CharField(max_length=64, db_index=True)
    name = models.CharField(max_length=200)
    phone = models.CharField(max_length=20, blank=True)
    email = models.CharField(max_length=200, blank=True)
    named_at = models.DateTimeField()
    named_by = models.CharField(max_length=200)

    def __str__(self) -> str:
        return f"{self.facility}: {self.name}"
