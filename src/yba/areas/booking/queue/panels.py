"""The left side of reception: somebody at the desk, with what is known filled in; and a number given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from yba.areas.booking.queue import own, pages, queries, rules
from yba.areas.booking.queue.actions import NewPerson
from yba.areas.booking.queue.forms import CheckInForm, Known, NewPersonForm, WalkInForm
from yba.care import coverages, people
from yba.care.card_qr import CitizenCard, parse_citizen_qr, parse_insurance_qr
from yba.care.line import queries as line
from yba.care.line.models import Counter, Status, Ticket
from yba.care.money import queries as money
from yba.care.money import rules as money_rules
from yba.care.money.models import Receipt
from yba.care.refusal import Refusal
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.invoice import Invoice
from yba.fhir.record import Record
from yba.ui import spoken, words
from yba.ui.words import local_day


def refusal_of(record: Record, appointment: Appointment) -> Refusal | None:
    """Why a booking can't be checked in today."""
    return rules.check_in_refusal(appointment, today=_today(record))


@dataclass(frozen=True, slots=True)
class AtDesk:
    """Somebody at the desk: the form, and with the rooms as they are now what is shown around it."""

    form: CheckInForm
    panel: Callable[[list[queries.RoomState]], pages.CheckInPanel]


def of_booking(
    record: Record, appointment: Appointment, *, posts: list[queries.Post], data: Mapping[str, Any] | None
) -> AtDesk:
    """Somebody who booked: the doctor and room they booked are chosen already."""
    booked = queries.booking_of(record, appointment)
    post = next((one for one in posts if one.practitioner_id == booked.practitioner_id), None)
    post = post or next((one for one in posts if one.room_id == booked.room_id), None)
    card, good, initial = _card(record, booked.person.id)
    form = CheckInForm(
        data, posts=posts, today=_today(record), known=card,
        initial={"post": post.role_id if post else "", "method": "later", **initial},
    )  # fmt: skip
    return AtDesk(form, partial(
        _panel, record, form, posts=posts, post=post, person=booked.person, booking=booked, good=good,
        action=reverse("booking:check_in", args=[booked.id]),
    ))  # fmt: skip


def of_person(
    record: Record, person: people.Person, *, posts: list[queries.Post], data: Mapping[str, Any] | None
) -> AtDesk:
    """A known person without a booking."""
    card, good, initial = _card(record, person.id)
    form = WalkInForm(
        data, posts=posts, today=_today(record), known=card, initial={"method": "later", **initial}
    )
    action = reverse("booking:walk_in", args=[person.id])
    return AtDesk(
        form, partial(_panel, record, form, posts=posts, post=None, person=person, good=good, action=action)
    )


def of_new(record: Record, *, posts: list[queries.Post], text: str, data: Mapping[str, Any] | None) -> AtDesk:
    """Somebody new; what a card's QR or the typed words say is filled in."""
    initial = {"method": "later", **_scanned(text, _today(record))}
    form = NewPersonForm(data, posts=posts, today=_today(record), initial=initial)
    action = reverse("booking:new_person")
    return AtDesk(form, partial(_panel, record, form, posts=posts, post=None, person=None, action=action))


def person_in(form: CheckInForm) -> NewPerson:
    """The new person of a valid form."""
    assert isinstance(form, NewPersonForm)
    return form.person()


def _panel(
    record: Record,
    form: CheckInForm,
    rooms: list[queries.RoomState],
    *,
    posts: list[queries.Post],
    post: queries.Post | None,
    person: people.Person | None,
    action: str,
    booking: queries.Booking | None = None,
    good: str = "",
) -> pages.CheckInPanel:
    facility = record.actor.facility or ""
    post = post or (posts[0] if posts else None)
    fee = queries.fee_of(record, post, facility=facility) if post and booking else None
    next_code, wait = _next(record, posts, post, rooms) if post and booking else ("", "")
    return pages.CheckInPanel(
        form=form,
        action=action,
        name=person.name if person else _("Khách mới"),
        person=person,
        booking=booking,
        pairs=_pairs(record, person, booking),
        good_card=good if not form.is_bound else "",
        doubt_card=form.known.doubt if form.known and not form.is_bound else "",
        fee=f"{fee.text}, {spoken.money(fee.amount)}" if fee else "",
        next_code=next_code,
        wait=wait,
        is_new=person is None,
    )


def _pairs(
    record: Record, person: people.Person | None, booking: queries.Booking | None
) -> tuple[tuple[str, str], ...]:
    if person is None:
        return ()
    age = spoken.age(person.birth_date, _today(record))
    born = ", ".join(filter(None, [words.ngay(person.birth_date), age, spoken.gender(person.gender)]))
    label = _("CCCD tự khai") if person.claimed else _("CCCD")
    found = [(_("Sinh"), born), (label, words.citizen_number(person.citizen_number))]
    found.append((_("Điện thoại"), words.phone(person.phone)))
    if booking:
        booked = [words.gio(booking.start), booking.specialty, booking.doctor]
        found.append((_("Lượt hẹn"), ", ".join(filter(None, booked))))
        found.append((_("Lý do"), booking.reason))
    else:
        found.append((_("Địa chỉ"), person.address))
    return tuple(found)


def _next(
    record: Record, posts: list[queries.Post], post: queries.Post, rooms: list[queries.RoomState]
) -> tuple[str, str]:
    letter, facility = queries.letter_of(posts, post.room_id), record.actor.facility or ""
    last = Counter.objects.filter(facility=facility, queue=letter, day=_today(record)).first()
    state = next(one for one in rooms if one.room_id == post.room_id)
    wait = line.wait_of_next(record, place=state.line.place, known=state.known)
    return f"{letter} {(last.last if last else 0) + 1:03}", spoken.minutes(wait.low, wait.high)


def _card(record: Record, patient_id: str) -> tuple[Known | None, str, dict[str, Any]]:
    """The card on file, a good word about it, and what the form starts with."""
    today = _today(record)
    coverage = coverages.coverage_of(record, patient_id, today)
    if coverage is None:
        return None, "", {}
    start, end = coverages.card_period(coverage)
    refusal = coverages.coverage_refusal(coverage, on=today)
    known = Known(coverages.card_of(coverage), start, end, refusal.message if refusal else "")
    good = ""
    if refusal is None:
        good = _("Thẻ còn giá trị đến %(day)s.") % {"day": words.ngay(end)} if end else _("Thẻ còn giá trị.")
    return known, good, {"card": known.number, "card_end": end}


def _scanned(text: str, today: date) -> dict[str, Any]:
    scan = rules.scan_of(text)
    if scan.kind == "citizen-qr":
        card = parse_citizen_qr(text, today=today)
        return {} if isinstance(card, Refusal) else {**_of_card(card), "citizen_number": card.number}
    if scan.kind == "insurance-qr":
        insured = parse_insurance_qr(text, today=today)
        if isinstance(insured, Refusal):
            return {}
        return {
            "name": insured.name, "birth": insured.birth_date, "sex": insured.gender, "address": insured.address,
            "card": insured.card.number, "card_end": words.as_date(insured.valid_to),
        }  # fmt: skip
    if scan.kind == "number":
        digits = words.digits(text)
        return {"citizen_number": digits} if len(digits) == 12 else {"phone": words.phone_number(text)}
    return {"name": text} if scan.kind == "name" else {}


def _of_card(card: CitizenCard) -> dict[str, Any]:
    return {"name": card.name, "birth": card.birth_date, "sex": card.gender, "address": card.address}


def _today(record: Record) -> date:
    return local_day(record.clock())


# -- a number given ---------------------------------------------------------------------------------------------


def receipt_of(record: Record, ticket: Ticket) -> Receipt | None:
    """The newest receipt of the ticket's visit."""
    return _newest_receipt(money.invoices_of(record, encounter=ticket.encounter_id))


def _newest_receipt(invoices: list[Invoice]) -> Receipt | None:
    paid = [money.receipt_of(invoice=one.id or "") for one in invoices]
    found = [one for one in paid if one is not None]
    return max(found, key=lambda one: one.at, default=None)


def issued(record: Record, ticket: Ticket, *, link: Callable[[str], str]) -> pages.Issued:
    """What the desk says when it hands the ticket over."""
    post = queries.post_in(record, facility=ticket.facility, room=ticket.room)
    of = line.place_of(record, facility=ticket.facility, key=ticket.line, day=ticket.day)
    wait = line.wait_range(record, ticket=ticket, place=of)
    invoices = money.invoices_of(record, encounter=ticket.encounter_id) if ticket.encounter_id else []
    unpaid = [one for one in invoices if one.status == "issued"]
    kind, status = pages.status_of(ticket)
    return pages.Issued(
        title=_("Số %(code)s") % {"code": words.ticket(ticket.code)},
        ticket=ticket,
        facts=pages.facts_of(ticket, _today(record)),
        room=post.room if post else own.where(record.as_system(), ticket, of),
        specialty=ticket.specialty or (post.specialty if post else ""),
        doctor=ticket.doctor or (post.doctor if post else ""),
        wait=spoken.minutes(wait.low, wait.high) if ticket.status == Status.WAITING else "",
        ahead=len(line.ahead_of(ticket, of)),
        status=status,
        kind=kind,
        link=link(reverse("booking:ticket", args=[line.link_token(ticket)])),
        invoice=money_rules.number_of(unpaid[0]) if unpaid else "",
        due=spoken.money(sum((money_rules.sum_of(one) for one in unpaid), start=money_rules.ZERO))
        if unpaid
        else "",
        receipt=_newest_receipt(invoices),
        acts=_acts(ticket),
    )


def _acts(ticket: Ticket) -> tuple[tuple[str, str], ...]:
    if ticket.status == Status.WAITING:
        return (("huy", _("Hủy số này")),)
    if ticket.status == Status.CALLED:
        return (("goi-lai", _("Mời lại")), ("lo-luot", _("Ghi lỡ lượt")))
    if ticket.status == Status.MISSED:
        return (("tro-lai", _("Đưa trở lại hàng chờ")), ("huy", _("Hủy số này")))
    return ()
