"""Counters and tickets: ordinary tables, because FHIR has no resource for a number in a line."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Counter(models.Model):
    """The last number given in one queue on one day; its row lock is what makes numbers whole (house rule 15)."""

    facility = models.CharField(max_length=64)
    queue = models.CharField(max_length=64)
    day = models.DateField()
    last = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["facility", "queue", "day"], name="line_one_counter_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.day}: {self.last}"


class Priority(models.TextChoices):
    """Why someone goes first; the words people read."""

    URGENT = "urgent", _("Cấp cứu")
    OVER_75 = "over_75", _("Từ 75 tuổi")
    UNDER_6 = "under_6", _("Dưới 6 tuổi")
    PREGNANT = "pregnant", _("Có thai")
    DISABLED = "disabled", _("Khuyết tật nặng")
    MERIT = "merit", _("Người có công")
    BOOKED = "booked", _("Có hẹn")
    NONE = "none", _("Không")


class Status(models.TextChoices):
    """Where a ticket stands."""

    WAITING = "waiting", _("Đang chờ")
    CALLED = "called", _("Đang mời")
    IN_ROOM = "in_room", _("Đang khám")
    DONE = "done", _("Xong")
    MISSED = "missed", _("Lỡ lượt")
    PARKED = "parked", _("Tạm rời hàng")
    CANCELLED = "cancelled", _("Đã hủy")


class Stage(models.TextChoices):
    """What is done where a queue leads."""

    RECEPTION = "reception", _("Tiếp đón")
    VITALS = "vitals", _("Đo sinh hiệu")
    DOCTOR = "doctor", _("Khám bệnh")
    LABORATORY = "laboratory", _("Xét nghiệm")
    IMAGING = "imaging", _("Chẩn đoán hình ảnh")
    CASHIER = "cashier", _("Thu ngân")
    PHARMACY = "pharmacy", _("Phát thuốc")


class Queue(models.Model):
    """A queue of a facility that several rooms may call from; a room in none has a line of its own.

    ``rooms``: ids of Locations. ``then``: codes of the queues a person goes on to when nothing else was said.
    """

    facility = models.CharField(max_length=64)
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=100)
    stage = models.CharField(max_length=16, choices=Stage.choices, default=Stage.DOCTOR)
    letter = models.CharField(max_length=4)
    rooms = models.JSONField(default=list)
    then = models.JSONField(default=list, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["facility", "code"], name="line_one_queue_a_code"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Ticket(models.Model):
    """One number of one person through a facility on one day (the day of Asia/Ho_Chi_Minh).

    ``queue`` is the series the number was drawn from; ``waits_in`` the queue the person stands in now (empty: the line
    of ``room`` alone) and ``room`` the one that calls (empty: any room of that queue). ``route``: where to after that.
    ``queued_at`` decides the order and moves when someone who missed the call joins again; ``joined_at`` is since when
    they wait here without a break; ``arrived_at`` stays.
    ``doctor``, ``specialty``: for whom, in words (a room may have several). ``due_at``: the booked time.
    ``passed``: how often one who came later was called first, emergencies aside.
    ``key``: of the form that drew it; ``call_key``: of the form that called it last.
    """

    facility = models.CharField(max_length=64)
    queue = models.CharField(max_length=64)
    waits_in = models.CharField(max_length=40, blank=True)
    room = models.CharField(max_length=64, blank=True)
    route = models.JSONField(default=list, blank=True)
    is_back = models.BooleanField(default=False)
    stop = models.BigIntegerField(null=True)
    day = models.DateField()
    number = models.PositiveIntegerField()
    letter = models.CharField(max_length=4)
    patient_id = models.CharField(max_length=64)
    patient_name = models.CharField(max_length=200)
    gender = models.CharField(max_length=8, blank=True)
    birth_year = models.PositiveSmallIntegerField(null=True)
    encounter_id = models.CharField(max_length=64, blank=True)
    appointment_id = models.CharField(max_length=64, blank=True)
    doctor = models.CharField(max_length=200, blank=True)
    specialty = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=16, blank=True)
    priority = models.CharField(max_length=16, choices=Priority.choices, default=Priority.NONE)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.WAITING)
    due_at = models.DateTimeField(null=True)
    arrived_at = models.DateTimeField()
    queued_at = models.DateTimeField()
    joined_at = models.DateTimeField()
    parked_at = models.DateTimeField(null=True)
    rejoined = models.PositiveSmallIntegerField(default=0)
    called_at = models.DateTimeField(null=True)
    call_count = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    passed = models.PositiveSmallIntegerField(default=0)
    key = models.CharField(max_length=64, null=True, unique=True)
    call_key = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["facility", "queue", "day", "number"], name="line_number_once"),
            models.UniqueConstraint(
                fields=["appointment_id"],
                condition=~models.Q(appointment_id="") & ~models.Q(status="cancelled"),
                name="line_one_ticket_an_appointment",
            ),
            models.UniqueConstraint(
                fields=["encounter_id"], condition=~models.Q(encounter_id=""), name="line_one_ticket_a_visit"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["facility", "day"], name="line_of_facility"),
            models.Index(fields=["room", "day"], name="line_of_room"),
            models.Index(fields=["patient_id", "day"], name="line_of_person"),
            models.Index(fields=["waits_in", "day"], name="line_of_queue"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """As printed and called: "B 027"."""
        return f"{self.letter} {self.number:03}"

    @property
    def line(self) -> str:
        """The line they stand in: of a queue, else of a room."""
        return self.waits_in or self.room

    @property
    def is_over(self) -> bool:
        """Nothing more will happen with it today."""
        return self.status in (Status.DONE, Status.CANCELLED)


class Stop(models.Model):
    """One wait of a ticket at one place, with what came of it: what waits are measured, told and reported by.

    ``line``: code of the queue, else the room's id. ``ahead``, ``low``, ``high``: what was told when joining (people,
    minutes). ``whole``: nothing but the line decided the wait (not parked, not sent elsewhere): it may be held
    against what was told. ``noticed_at``: told that few are ahead.
    """

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="stops")
    facility = models.CharField(max_length=64)
    line = models.CharField(max_length=64)
    room = models.CharField(max_length=64, blank=True)
    stage = models.CharField(max_length=16, choices=Stage.choices, default=Stage.DOCTOR)
    specialty = models.CharField(max_length=200, blank=True)
    day = models.DateField()
    kind = models.CharField(max_length=16)
    joined_at = models.DateTimeField()
    ahead = models.PositiveSmallIntegerField(default=0)
    low = models.PositiveSmallIntegerField(null=True)
    high = models.PositiveSmallIntegerField(null=True)
    called_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, blank=True)
    passed = models.PositiveSmallIntegerField(default=0)
    whole = models.BooleanField(default=True)
    noticed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["facility", "day"], name="line_stops_of_facility"),
            models.Index(fields=["facility", "line", "-started_at"], name="line_stops_of_line"),
        ]

    def __str__(self) -> str:
        return f"{self.line} {self.joined_at:%H:%M}"


class Event(models.Model):
    """One act on a ticket: who, when, and what was there before, so that it can be taken back.

    ``before``: {"ticket": values, "stop": values, "passed": ids of tickets that were passed, "made": id of a new stop}.
    """

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    act = models.CharField(max_length=16)
    by = models.CharField(max_length=150, blank=True)
    before = models.JSONField(default=dict)
    undone = models.BooleanField(default=False)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["ticket", "-id"], name="line_events_of_ticket")
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.at:%H:%M}"
