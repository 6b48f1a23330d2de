"""What a call needs while it lasts: its room, who may sit in it, what browsers tell each other, who was there when.

The visit itself is an Encounter of the record; these rows are no record of care, and hold no health words.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Room(models.Model):
    """One video visit at one time. ``name``: opaque, the room's name at the engine; never used twice.

    A visit that is moved gets another room. ``state``: a key of `rules.STATES`; ``rung``: of `rules.LADDER`.
    ``reserved_at``: when a Jitsi server took it up last; ``ended_at``: nobody gets in any more; ``charged_at``: whether
    it was held was looked at, and the examination charged if so.
    """

    name = models.CharField(max_length=40, unique=True)
    appointment_id = models.CharField(max_length=64)
    starts = models.DateTimeField()
    closes = models.DateTimeField()
    encounter_id = models.CharField(max_length=64, unique=True)
    patient_id = models.CharField(max_length=64)
    practitioner_id = models.CharField(max_length=64)
    facility = models.CharField(max_length=64)
    engine = models.CharField(max_length=16)
    state = models.CharField(max_length=16)
    rung = models.CharField(max_length=16, default="video")
    reserved_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    charged_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["appointment_id", "starts"], name="telehealth_one_room_a_visit"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practitioner_id", "starts"], name="telehealth_room_doctor"),
            models.Index(fields=["closes"], condition=models.Q(ended_at=None), name="telehealth_room_open"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class Seat(models.Model):
    """Who may be in a room: the person, the doctor, or somebody invited under a name.

    ``key``: opaque, the name of this one in signals and passes. ``holder``: the account or the link it is held by.
    ``link``: hash of the invitation's secret. ``epoch``: of the page that sits on it now; another page takes it over.
    ``doubled_at``: when a Jitsi server last told of two at once under this seat, which the doctor is shown.
    """

    class Kind(models.TextChoices):
        PATIENT = "patient"
        DOCTOR = "doctor"
        RELATIVE = "relative"
        INTERPRETER = "interpreter"

    room = models.ForeignKey(Room, models.CASCADE, related_name="seats")
    key = models.CharField(max_length=32, unique=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    name = models.CharField(max_length=100)
    holder = models.CharField(max_length=64, blank=True)
    link = models.CharField(max_length=64, unique=True, null=True)
    expires = models.DateTimeField()
    admitted_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)
    first_joined_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    connected_at = models.DateTimeField(null=True)
    doubled_at = models.DateTimeField(null=True)
    epoch = models.CharField(max_length=16, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["room", "kind", "holder"], condition=~models.Q(holder=""), name="telehealth_one_seat"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.room_id}: {self.kind} {self.name}"


class Signal(models.Model):
    """What one browser tells another to be connected (SDP, ICE candidates). Kept for minutes."""

    to = models.ForeignKey(Seat, models.CASCADE, related_name="signals")
    sender = models.CharField(max_length=32)
    sender_epoch = models.CharField(max_length=16)
    epoch = models.CharField(max_length=16)
    body = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["to", "id"], name="telehealth_signal_to"),
            models.Index(fields=["at"], name="telehealth_signal_at"),
        ]

    def __str__(self) -> str:
        return f"{self.sender} to {self.to_id}"


class Presence(models.Model):
    """From when to when somebody was in the call. ``by``: ``page``, or ``jitsi`` with its occupant's address."""

    seat = models.ForeignKey(Seat, models.CASCADE, related_name="presences")
    came_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)
    by = models.CharField(max_length=8)
    occupant = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["seat", "by", "occupant"],
                condition=models.Q(left_at=None),
                name="telehealth_present_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seat_id}: {self.came_at}"


class Pass(models.Model):
    """A pass for a Jitsi room that has been shown: by whom it may be shown again while it lasts."""

    number = models.CharField(max_length=64, primary_key=True)
    seat = models.ForeignKey(Seat, models.CASCADE)
    address = models.CharField(max_length=64)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.number


class Guess(models.Model):
    """How often a birth date was tried at a link; counted so that nobody tries them all."""

    appointment_id = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveSmallIntegerField(default=0)
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.appointment_id}: {self.count}"


class FollowUp(models.Model):
    """When a plan of remote follow-up is to be looked at next: what is due is reminded of, what was missed is counted.

    The plan itself is a CarePlan. A plan that has ended has no row.
    """

    plan_id = models.CharField(max_length=64, unique=True)
    facility = models.CharField(max_length=64)
    next_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["next_at"], name="telehealth_follow_up_next"),
        ]

    def __str__(self) -> str:
        return f"{self.plan_id}: {self.next_at:%Y-%m-%d %H:%M}"


class OnDuty(models.Model):
    """Whom a facility tells of an alert of remote follow-up while nobody sits before its page.

    R4 would keep a telephone number in the HealthcareService, which everybody may read; this one is nobody's business.
    """

    facility = models.CharField(max_length=64, primary_key=True)
    name = models.CharField(max_length=100)
    phone = models.CharField(max_length=20)
    by = models.CharField(max_length=200)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.facility}: {self.name}"
