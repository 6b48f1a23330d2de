"""From a row that waits to a message that arrived: claim in one transaction, hand over outside, mark in another.

What is promised. A row is claimed by one worker (row lock, then state ``sending``), so that two never send the same
try. A worker that dies between handing over and marking leaves ``sending``; after `rules.CLAIM_LASTS` it is tried
again with the same key: whoever takes keys (HTTP, Zalo, push, e-mail) shows it once, SMPP 3.4 knows none, so there a
death in those milliseconds can show a text twice; it never loses one. What is told is asked again while claiming: a
booking that moved, was cancelled or took place since tells nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from yba.care.messages import kinds, people, port, rules, standing
from yba.care.messages.kinds import Kind
from yba.care.messages.models import Delivery, Message, Report, Subscription
from yba.ui import live

log = logging.getLogger(__name__)
State, Status = Delivery.State, Message.Status
_OPEN = (State.QUEUED, State.SENDING)
#: Queues the job that goes on with a message: at a moment, and whether before all else.
Later = Callable[[int, datetime | None, bool], None]


@dataclass(frozen=True, slots=True)
class Claim:
    """A try one worker has taken. ``tries``: its number; who has an older one is too late."""

    delivery: int
    tries: int
    channel: str
    parcels: tuple[port.Parcel, ...]
    subscriptions: tuple[int, ...] = ()


def advance(number: int, *, now: Callable[[], datetime], later: Later) -> None:
    """Bring a message as far as it goes now: send, try the next way, or say when to go on."""
    for _way in kinds.CHANNELS:
        claim = _claim(number, now=now(), later=later)
        if claim is None:
            return
        if _handed_over(claim, now=now, later=later):
            return


# -- claiming ---------------------------------------------------------------------------------------------


def _claim(number: int, *, now: datetime, later: Later) -> Claim | None:
    with transaction.atomic():
        row = Message.objects.select_for_update().filter(pk=number).first()
        if row is None or row.status not in (Status.WAITING, Status.SENT):
            return None
        kind = kinds.kind_of(row.kind)
        last = _last(row)
        if last is not None and not _goes_on(last, now=now, later=later):
            return None
        if row.expires_at is not None and row.expires_at <= now:
            _over(row, last, Status.EXPIRED, State.EXPIRED, "", now=now)
            return None
        why = standing.no_longer(row, kind)
        if why:
            _over(row, last, Status.VOID, State.EXPIRED, why, now=now)
            return None
        reader = people.reader_of(row.to_phone)
        if (kind.reminder or kind.invites) and not reader.wishes.reminders:
            _over(row, last, Status.VOID, State.EXPIRED, "reminders are turned off", now=now)
            return None
        _keep_in_box(row, kind, reader, now=now)
        free_at = rules.send_at(kind, reader.wishes, about=row.about_at, now=now)
        if free_at > now:
            row.not_before = free_at
            row.save(update_fields=["not_before"])
            later(row.pk, free_at, kind.urgent)
            return None
        return _taken(row, kind, reader, last, now=now)


def _last(row: Message) -> Delivery | None:
    """The way that was taken last; the box is not one."""
    found: Delivery | None = row.deliveries.select_for_update().exclude(channel="app").order_by("-pk").first()
    return found


def _goes_on(last: Delivery, *, now: datetime, later: Later) -> bool:
    """Whether there is something to do about the last way: not while it is sent, being sent, or to be tried later."""
    if last.state in (State.DELIVERED, State.EXPIRED):
        return False
    if last.state == State.SENDING:
        return last.claimed_at is None or now - last.claimed_at >= rules.CLAIM_LASTS
    if last.state == State.QUEUED and last.next_try is not None:
        return last.next_try <= now
    if last.state == State.SENT:
        if last.seen_by is None or last.seen_by > now:
            return False
        if last.message.read_at is not None:
            _finish(last, State.DELIVERED, now=now)
            return False
        _finish(last, State.FAILED, now=now, error="not opened in time")
    return True


def _taken(
    row: Message, kind: Kind, reader: people.Reader, last: Delivery | None, *, now: datetime
) -> Claim | None:
    round_ = last.round if last is not None else 1
    if last is not None and last.state in _OPEN:
        way: Delivery | None = last
    else:
        way = _next_way(row, kind, reader, round_)
    if way is None and people.not_wanted(kind, row.to_phone):
        _over(row, None, Status.VOID, State.EXPIRED, "stopped by a text of its reader", now=now)
        return None
    if way is None:
        _over(row, None, Status.FAILED, State.FAILED, row.problem or "no way to reach this person", now=now)
        return None
    parcels, devices = _parcels(row, kind, way, reader, now=now)
    way.state, way.claimed_at, way.tries, way.next_try = State.SENDING, now, way.tries + 1, None
    way.save()
    return Claim(way.pk, way.tries, way.channel, tuple(parcels), tuple(devices))


def _next_way(row: Message, kind: Kind, reader: people.Reader, round_: int) -> Delivery | None:
    used = set(row.deliveries.filter(round=round_).values_list("channel", flat=True))
    reachable = people.reachable(row, reader) - people.not_wanted(kind, row.to_phone)
    wanted = rules.chain(kind, reader.wishes, reachable)
    channel = next((one for one in wanted if one not in used), None)
    if channel is None:
        return None
    return Delivery(
        message=row, account_id=reader.account, channel=channel, round=round_, language=reader.language
    )


def _parcels(
    row: Message, kind: Kind, way: Delivery, reader: people.Reader, *, now: datetime
) -> tuple[list[port.Parcel], list[int]]:
    values = row.values or {"text": row.text}
    words = kinds.rendered(kind, way.channel, way.language, values)
    if way.channel == "sms" and row.text != words.text and not kind.free:
        row.text = words.text
        row.save(update_fields=["text"])
    left = row.expires_at - now if row.expires_at else timedelta(days=1)
    addresses: list[str] = [people.address(row, way.channel, reader)]
    devices: list[int] = []
    if way.channel == "push" and reader.account is not None:
        found = list(Subscription.objects.filter(account_id=reader.account).order_by("pk"))
        addresses, devices = [json.dumps(one.as_push()) for one in found], [one.pk for one in found]
    calendar = standing.calendar_of(row) if kind.calendar and way.channel == "email" else b""
    made = [
        port.Parcel(
            id=way.key.hex, to=to, kind=kind.key, text=words.text, title=words.title, language=way.language,
            template=kind.zalo, values=words.values, urgent=kind.urgent,
            seconds=max(int(left.total_seconds()), 1), calendar=calendar,
            sender=row.values.get("from", ""), answers=row.values.get("answers", ""),
        )
        for to in addresses
    ]  # fmt: skip
    return made, devices


def _keep_in_box(row: Message, kind: Kind, reader: people.Reader, *, now: datetime) -> None:
    """In the box of the account at once, at any hour: nobody is woken by it."""
    if reader.account is None or not kind.box:
        return
    _row, made = Delivery.objects.get_or_create(
        message=row, channel="app", round=1,
        defaults={"account_id": reader.account, "state": State.DELIVERED, "language": reader.language,
                  "sent_at": now, "done_at": now, "parts": 1},
    )  # fmt: skip
    if made:
        live.changed(f"box:{reader.account}")


def _over(row: Message, last: Delivery | None, status: str, state: str, why: str, *, now: datetime) -> None:
    if last is not None and last.state in _OPEN:
        _finish(last, state, now=now, error=why)
    if status == Status.VOID:  # a box must not say what no longer holds
        row.deliveries.filter(channel="app").delete()
    row.status, row.problem = status, why[:300]
    row.save(update_fields=["status", "problem"])
    _forget_secret(row)


# -- handing over and marking -----------------------------------------------------------------------------


def _handed_over(claim: Claim, *, now: Callable[[], datetime], later: Later) -> bool:
    """Send outside of any transaction and mark what came of it; False: take the next way now."""
    gateway = port.gateway_of(claim.channel)
    if gateway is None:
        return _mark_failed(claim, port.Refused("no gateway is connected"), now=now(), later=later)
    try:
        sent = _send_all(gateway, claim)
    except port.Failed as problem:
        return _mark_failed(claim, problem, now=now(), later=later)
    except Exception as problem:
        log.exception("a gateway broke: %s", claim.channel)
        return _mark_failed(claim, port.Failed(type(problem).__name__), now=now(), later=later)
    _mark_sent(claim, sent, gateway.price, now=now(), later=later)
    return True


def _send_all(gateway: port.Gateway, claim: Claim) -> port.Sent:
    """To every address of a way; it is sent when one of them took it."""
    sent: port.Sent | None = None
    problem: port.Failed | None = None
    for at, parcel in enumerate(claim.parcels):
        try:
            sent = gateway.send(parcel)
        except port.Gone as gone:
            problem = problem or gone
            Subscription.objects.filter(pk__in=claim.subscriptions[at : at + 1]).delete()
        except port.Failed as failed:
            problem = failed if problem is None or isinstance(problem, port.Refused) else problem
    if sent is not None:
        return sent
    raise problem or port.Refused("no address")


def _mark_sent(claim: Claim, sent: port.Sent, price: int, *, now: datetime, later: Later) -> None:
    with transaction.atomic():
        if sent.provider_id:
            _hold(claim.channel, sent.provider_id)
        way = _locked_way(claim.delivery)
        if way is None or way.state in (State.SENT, State.DELIVERED):
            return
        way.state, way.sent_at, way.provider_id, way.parts, way.error = (
            State.SENT,
            now,
            sent.provider_id,
            sent.parts,
            "",
        )
        way.cost = price * sent.parts
        row, kind = way.message, kinds.kind_of(way.message.kind)
        if claim.channel == "push":
            way.seen_by = now + rules.UNSEEN
            later(row.pk, way.seen_by, False)
        way.save()
        row.status = Status.SENT
        row.delivered_at, row.problem = (now if sent.delivered else None), ""
        row.save(update_fields=["status", "delivered_at", "problem"])
        if sent.delivered:
            _finish(way, State.DELIVERED, now=now)
        else:
            early = (
                Report.objects.filter(channel=claim.channel, provider_id=sent.provider_id)
                .order_by("pk")
                .first()
            )
            if sent.provider_id and early is not None:
                _apply(way, early.delivered, early.error, now=now, later=later)
        if kind.secret:
            _forget_secret(row)


def _mark_failed(claim: Claim, problem: port.Failed, *, now: datetime, later: Later) -> bool:
    """Note it; True when somebody goes on later, False when the next way is to be taken now."""
    with transaction.atomic():
        way = _locked_way(claim.delivery)
        if way is None or way.state != State.SENDING or way.tries != claim.tries:
            return True  # another worker has it
        kind = kinds.kind_of(way.message.kind)
        again = None if isinstance(problem, port.Refused) else rules.next_try(kind, way.tries, now=now)
        way.error = str(problem)[:300] or type(problem).__name__
        Message.objects.filter(pk=way.message_id).update(problem=way.error)
        if again is None:
            _finish(way, State.FAILED, now=now, error=way.error)
            return False
        way.state, way.next_try, way.claimed_at = State.QUEUED, again, None
        way.save()
        later(way.message_id, again, kind.urgent)
        return True


def _locked_way(number: int) -> Delivery | None:
    """The way with its message, locked in the one order everybody locks: message first."""
    owner = Delivery.objects.filter(pk=number).values_list("message_id", flat=True).first()
    if owner is None:
        return None  # its person has erased the account
    row = Message.objects.select_for_update().get(pk=owner)
    way = Delivery.objects.select_for_update().get(pk=number)
    way.message = row
    return way


def _finish(way: Delivery, state: str, *, now: datetime, error: str = "") -> None:
    way.state, way.done_at, way.error = state, now, error[:300]
    way.save(update_fields=["state", "done_at", "error"])
    if state == State.DELIVERED:
        Message.objects.filter(pk=way.message_id).update(
            status=Status.DELIVERED, delivered_at=now, problem=""
        )


def _forget_secret(row: Message) -> None:
    """The words of a code or a key are gone once it is out; the demo's telephone goes on showing them."""
    if not kinds.kind_of(row.kind).secret or isinstance(port.gateway_of("sms"), port.Demo):
        return
    if row.status == Status.WAITING:
        return
    row.text, row.values = "", {}
    row.save(update_fields=["text", "values"])


# -- reports ----------------------------------------------------------------------------------------------


def note_report(
    channel: str, provider_id: str, *, delivered: bool, error: str, now: datetime, later: Later
) -> bool:
    """What a provider says became of a message; whether it was known already. A report that comes twice counts once."""
    with transaction.atomic():
        _hold(channel, provider_id)
        Report.objects.create(
            channel=channel, provider_id=provider_id[:120], delivered=delivered, error=error[:300]
        )
        found = Delivery.objects.filter(channel=channel, provider_id=provider_id).order_by("-pk").first()
        way = _locked_way(found.pk) if found is not None else None
        if way is None:
            return False
        _apply(way, delivered, error, now=now, later=later)
        return True


def _apply(way: Delivery, delivered: bool, error: str, *, now: datetime, later: Later) -> None:
    if way.state != State.SENT:
        return
    if delivered:
        _finish(way, State.DELIVERED, now=now)
        return
    _finish(way, State.FAILED, now=now, error=error or "the provider could not deliver it")
    Message.objects.filter(pk=way.message_id).update(status=Status.WAITING, problem=way.error)
    later(way.message_id, None, kinds.kind_of(way.message.kind).urgent)


def _hold(channel: str, provider_id: str) -> None:
    """Who marks a message and who reports of it wait for each other, also while the mark is not there yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 5))", [f"messages.{channel}/{provider_id}"]
        )


# -- looking after it -------------------------------------------------------------------------------------


def left_behind(now: datetime) -> QuerySet[Message]:
    """What should have gone on and did not: its job was lost with a machine, or its worker died while sending."""
    way = Delivery.objects.filter(
        Q(state=State.SENDING, claimed_at__lte=now - rules.CLAIM_LASTS)
        | Q(state=State.QUEUED, next_try__lte=now - rules.CLAIM_LASTS)
        | Q(state=State.SENT, seen_by__lte=now - rules.CLAIM_LASTS),
        message__status__in=(Status.WAITING, Status.SENT),
    )
    open_ways = Delivery.objects.filter(state__in=_OPEN)
    fresh = Q(status=Status.WAITING, created_at__lte=now - rules.CLAIM_LASTS) & ~Q(
        pk__in=open_ways.values("message")
    )
    held = Q(not_before=None) | Q(not_before__lte=now - rules.CLAIM_LASTS)
    return Message.objects.filter(Q(pk__in=way.values("message")) | (fresh & held)).order_by("pk")


def send_again(number: int, *, now: datetime, later: Later) -> bool:
    """An administrator sends a message anew that failed: all ways once more. False when it can't or need not be."""
    with transaction.atomic():
        row = Message.objects.select_for_update().filter(pk=number).first()
        if row is None or row.status not in (Status.FAILED, Status.EXPIRED) or not (row.text or row.values):
            return False
        kind, last = kinds.kind_of(row.kind), _last(row)
        if kind.urgent or standing.no_longer(row, kind) or (row.about_at and row.about_at <= now):
            return False
        row.status, row.problem, row.not_before = Status.WAITING, "", None
        row.expires_at = rules.expires_at(kind, about=row.about_at, now=now)
        row.save()
        if last is not None:
            reader = people.reader_of(row.to_phone)
            way = _next_way(row, kind, reader, last.round + 1)
            if way is not None:
                way.save()
        later(row.pk, None, False)
        return True
