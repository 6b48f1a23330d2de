"""Booking's ordinary tables: the ledger of seats, who calls about a request, and what came of each call."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Seat(models.Model):
    """One place of a slot, held by one holder: the unique pair is what makes double booking impossible.

    The one ledger: asked for, held while a form is filled, booked, offered from the waiting list and taken by who
    walked in are all rows here. Written only by ``ledger``, on the record's own connection, whatever way they came in.
    """

    class Kind(models.TextChoices):
        BOOKING = "booking"
        HOLD = "hold"
        OFFER = "offer"
        WALK_IN = "walk-in"

    slot_id = models.CharField(max_length=64)
    seat_no = models.PositiveSmallIntegerField(default=1)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.BOOKING)
    #: Appointment, hold, offer or Encounter.
    holder = models.CharField(max_length=64)
    #: Of a hold: whose it is, an account or (hashed) a telephone number.
    owner = models.CharField(max_length=80, blank=True, default="")
    patient_id = models.CharField(max_length=64, blank=True)
    schedule_id = models.CharField(max_length=64, blank=True, default="")
    practitioner_id = models.CharField(max_length=64, blank=True)
    location_id = models.CharField(max_length=64, blank=True, default="")
    channel = models.CharField(max_length=16, blank=True, default="app")
    #: One more than the slot has seats, by somebody who may.
    over = models.BooleanField(default=False)
    #: With the rests before and after.
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    taken_at = models.DateTimeField()
    #: Of a hold or an offer: from then on it counts no more, whether or not somebody has swept it away.
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["slot_id", "seat_no"], name="booking_seat_once"),
            models.CheckConstraint(condition=models.Q(seat_no__gte=1), name="booking_seat_from_one"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["booking", "walk-in"], expires_at__isnull=True)
                | models.Q(kind__in=["hold", "offer"], expires_at__isnull=False),
                name="booking_seat_ends",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["holder"], name="booking_seat_holder"),
            models.Index(fields=["practitioner_id", "starts"], name="booking_seat_practitioner"),
            models.Index(fields=["location_id", "starts"], name="booking_seat_location"),
            models.Index(
                fields=["expires_at"],
                name="booking_seat_expires",
                condition=models.Q(expires_at__isnull=False),
            ),
            models.Index(fields=["owner"], name="booking_seat_owner", condition=models.Q(kind="hold")),
        ]

    def __str__(self) -> str:
        return f"{self.slot_id}/{self.seat_no}"


class Offer(models.Model):
    """A seat offered to somebody on the waiting list. R4 has no resource for it; the seat itself is in the ledger."""

    class Outcome(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"
        DECLINED = "declined"
        EXPIRED = "expired"

    id = models.CharField(max_length=64, primary_key=True)
    appointment_id = models.CharField(max_length=64)
    patient_id = models.CharField(max_length=64)
    slot_id = models.CharField(max_length=64)
    starts = models.DateTimeField()
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.OPEN)
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["slot_id"], name="booking_offer_slot"),
            models.Index(fields=["patient_id"], name="booking_offer_patient"),
            models.Index(
                fields=["expires_at"], name="booking_offer_open", condition=models.Q(outcome="open")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.slot_id}: {self.outcome}"


class Appeal(models.Model):
    """A citizen asks a facility to look again at visits it counts as missed. R4 has no resource for it."""

    class Outcome(models.TextChoices):
        OPEN = "open"
        GRANTED = "granted"
        REFUSED = "refused"

    facility = models.CharField(max_length=64)
    patient_id = models.CharField(max_length=64)
    text = models.CharField(max_length=1000)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=64)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.OPEN)
    #: Why; the person reads it.
    reason = models.CharField(max_length=500, blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering: ClassVar[list[str]] = ["made_at", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["facility", "patient_id"],
                condition=models.Q(outcome="open"),
                name="booking_appeal_one_open",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["patient_id"], name="booking_appeal_patient"),
        ]

    def __str__(self) -> str:
        return f"{self.facility}: {self.outcome}"


class Claim(models.Model):
    """Who is calling about a request now, so that no two agents call the same person."""

    appointment_id = models.CharField(max_length=64, primary_key=True)
    agent = models.CharField(max_length=64)
    agent_name = models.CharField(max_length=200)
    taken_at = models.DateTimeField()
    facility = models.CharField(max_length=64, blank=True, default="")
    #: Whom it is about and where they are called: another request of either is not for another agent meanwhile.
    patient_id = models.CharField(max_length=64, blank=True, default="", db_index=True)
    phone = models.CharField(max_length=20, blank=True, default="", db_index=True)

    def __str__(self) -> str:
        return f"{self.appointment_id}: {self.agent_name}"


class Contact(models.Model):
    """One thing done about a request: a call, a correction, the outcome. Appended only."""

    class Kind(models.TextChoices):
        CALLED = "called"
        TAKEN_OVER = "taken-over"
        UNREACHED = "unreached"
        ENDED = "ended"
        CORRECTED = "corrected"
        FLAGGED = "flagged"
        MOVED = "moved"
        OVERRIDDEN = "overridden"
        CONFIRMED = "confirmed"
        REFUSED = "refused"
        DUPLICATE = "duplicate"
        MISSED = "missed"
        EXCUSED = "excused"

    appointment_id = models.CharField(max_length=64, db_index=True)
    at = models.DateTimeField()
    agent = models.CharField(max_length=64, blank=True, default="")
    agent_name = models.CharField(max_length=200)
    facility = models.CharField(max_length=64, blank=True, default="")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    #: A code of ``desk.yaml``.
    reason = models.CharField(max_length=32, blank=True, default="")
    note = models.CharField(max_length=500, blank=True)
    #: When the person had asked; for how long people wait for the first call.
    asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["facility", "at"], name="booking_contact_facility"),
        ]

    def __str__(self) -> str:
        return f"{self.appointment_id}: {self.kind}"


class Progress(models.Model):
    """How far the desk is with a request that is still open: how pressing, how often tried, when to call again."""

    appointment_id = models.CharField(max_length=64, primary_key=True)
    #: ``emergency`` or ``urgent``, by the answers to the script; empty: nothing was found.
    level = models.CharField(max_length=16, blank=True, default="")
    #: The answers that say so, in words.
    why = models.CharField(max_length=500, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.appointment_id}: {self.attempts}"


class Outward(models.Model):
    """What a facility's own system has been told of one visit, and what it is still to be told."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        TOLD = "told"
        REFUSED = "refused"

    appointment_id = models.CharField(max_length=64, unique=True)
    facility = models.CharField(max_length=64, db_index=True)
    #: Grows with every change of the visit; `told_version` is the one the other side has acknowledged.
    version = models.PositiveIntegerField(default=1)
    told_version = models.PositiveIntegerField(default=0)
    #: What they know: nothing, `cancelled`, or the time and place of the visit in a few letters.
    known = models.CharField(max_length=64, blank=True, default="")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    #: Their number or words for it; or what went wrong last.
    receipt = models.CharField(max_length=200, blank=True, default="")
    problem = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["next_try"],
                name="booking_outward_due",
                condition=models.Q(state__in=["waiting", "sending"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.appointment_id}: {self.state}"


class News(models.Model):
    """That a bare FHIR write changed what a person was told of a visit; taken away once they are told."""

    appointment_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=16)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["appointment_id", "kind"], name="booking_news_once"),
        ]

    def __str__(self) -> str:
        return f"{self.appointment_id}: {self.kind}"


class Extension(models.Model):
    """The telephone set an agent sits at."""

    agent = models.CharField(max_length=64, primary_key=True)
    agent_name = models.CharField(max_length=200)
    facility = models.CharField(max_length=64)
    number = models.CharField(max_length=20, unique=True)

    def __str__(self) -> str:
        return f"{self.number}: {self.agent_name}"


class Ring(models.Model):
    """A call at a set, as the exchange told of it: for the caller's name on the screen, and forgotten within a day."""

    class State(models.TextChoices):
        RINGING = "ringing"
        ANSWERED = "answered"
        ENDED = "ended"

    call = models.CharField(max_length=64)
    extension = models.CharField(max_length=20)
    #: Who calls; empty where the number is hidden.
    number = models.CharField(max_length=20, blank=True, default="")
    state = models.CharField(max_length=8, choices=State.choices)
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["call", "extension"], name="booking_ring_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["extension", "at"], name="booking_ring_extension"),
        ]

    def __str__(self) -> str:
        return f"{self.extension}: {self.state}"


class Talk(models.Model):
    """What a number was told last by text: the times it can choose from, what it holds. R4 has no resource for it."""

    phone = models.CharField(max_length=20, primary_key=True)
    said = models.JSONField(default=dict)
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.at:%d/%m/%Y %H:%M}"


class CallBack(models.Model):
    """A number no account has proved asked for a time by text: held for it until the desk has called."""

    class Outcome(models.TextChoices):
        OPEN = "open"
        BOOKED = "booked"
        UNREACHED = "unreached"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"

    phone = models.CharField(max_length=20)
    facility = models.CharField(max_length=64)
    specialty = models.CharField(max_length=64)
    called = models.CharField(max_length=200, blank=True, default="")
    slot_id = models.CharField(max_length=64)
    hold_id = models.CharField(max_length=64)
    starts = models.DateTimeField()
    held_until = models.DateTimeField()
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    #: Who calls now, or called last.
    agent = models.CharField(max_length=64, blank=True, default="")
    agent_name = models.CharField(max_length=200, blank=True, default="")
    taken_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.OPEN)
    ended_at = models.DateTimeField(null=True, blank=True)
    appointment_id = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["phone"], condition=models.Q(outcome="open"), name="booking_callback_one_open"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["facility", "due_at"], name="booking_callback_facility"),
        ]

    def __str__(self) -> str:
        return f"{self.facility}: {self.outcome}"


class Post(models.Model):
    """Who can be booked, with what people choose by: copied from the record so that 5,000 are compared at once.

    Only for finding and ordering; what is shown is read from the record, through the door. Written by ``directory``.
    """

    role_id = models.CharField(max_length=64, primary_key=True)
    practitioner_id = models.CharField(max_length=64, blank=True, default="")
    facility = models.CharField(max_length=64, blank=True, default="")
    facility_name = models.CharField(max_length=200, blank=True, default="")
    location_id = models.CharField(max_length=64, blank=True, default="")
    specialty = models.CharField(max_length=64, blank=True, default="")
    specialty_name = models.CharField(max_length=200, blank=True, default="")
    gender = models.CharField(max_length=8, blank=True, default="")
    #: Codes with a comma before and after each.
    languages = models.CharField(max_length=200, blank=True, default="")
    #: Folded words with a space before each.
    words = models.CharField(max_length=1000, blank=True, default="")
    name = models.CharField(max_length=200, blank=True, default="")
    place = models.CharField(max_length=200, blank=True, default="")
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    price = models.IntegerField(null=True, blank=True)
    video = models.BooleanField(default=False)
    insured = models.BooleanField(default=False)
    active = models.BooleanField(default=False)
    #: How many ratings count and their stars together; counted anew by ``ratings.keeping``, not copied from the record.
    rated_count = models.IntegerField(default=0, db_default=0)
    rated_sum = models.IntegerField(default=0, db_default=0)
    #: Something it is copied from has changed: copied again before it is next looked at.
    stale = models.BooleanField(default=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practitioner_id"], name="booking_post_practitioner"),
            models.Index(fields=["facility"], name="booking_post_facility"),
            models.Index(fields=["role_id"], name="booking_post_stale", condition=models.Q(stale=True)),
        ]

    def __str__(self) -> str:
        return self.role_id


class OpenTime(models.Model):
    """A time to come of somebody who can be booked: whether it is open at all, and until when it may be asked for.

    Follows ``Slot`` in the transaction that changes it, and with it the ledger, which keeps ``Slot.status``. What is
    held, or excluded by another time of the same practitioner or room, is asked of the ledger (``free``).
    """

    slot_id = models.CharField(max_length=64, primary_key=True)
    schedule_id = models.CharField(max_length=64)
    role_id = models.CharField(max_length=64, blank=True, default="")
    #: Of its timetable.
    in_use = models.BooleanField()
    starts = models.DateTimeField()
    open = models.BooleanField()
    #: The way in its seats are all kept for, until a moment.
    kept = models.CharField(max_length=16, blank=True, default="")
    kept_until = models.DateTimeField(null=True, blank=True)
    #: The timetable's notice, closing hour and days ahead, as moments: for citizens and outside systems.
    asked_until = models.DateTimeField()
    asked_from = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["role_id", "starts"],
                name="booking_open_role",
                condition=models.Q(open=True, in_use=True),
            ),
            models.Index(fields=["schedule_id"], name="booking_open_schedule"),
            models.Index(
                fields=["starts", "role_id"],
                name="booking_open_starts",
                condition=models.Q(open=True, in_use=True),
            ),
        ]

    def __str__(self) -> str:
        return self.slot_id
