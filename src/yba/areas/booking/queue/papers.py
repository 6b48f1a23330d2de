"""The ticket on the 80 mm roll."""

from __future__ import annotations

from yba.areas.booking.queue import own, pages, queries
from yba.care.documents import pdf, qr_svg
from yba.care.line import queries as line
from yba.care.line.models import Ticket
from yba.fhir.record import Record
from yba.ui import words


def ticket_pdf(record: Record, ticket: Ticket, *, address: str) -> bytes:
    """The paper in the hand: number, room, wait, and a QR of the page that says how many are before."""
    post = queries.post_in(record, facility=ticket.facility, room=ticket.room)
    place = line.place_of(record, facility=ticket.facility, key=ticket.line, day=ticket.day)
    wait = line.wait_range(record, ticket=ticket, place=place)
    kind, _status = pages.status_of(ticket)
    record.audit("print", type_name="Patient", detail=f"ticket {ticket.code}", patients=[ticket.patient_id])
    return pdf(
        "line/ticket_80.typ",
        {
            "facility": queries.facility_name(record, ticket.facility),
            "day": f"{words.day_words(ticket.arrived_at)}/{ticket.day.year}",
            "code": ticket.code,
            "room": post.room if post else own.where(record.as_system(), ticket, place),
            "room_words": ticket.specialty or (post.specialty if post else ""),
            "doctor": ticket.doctor or (post.doctor if post else ""),
            "person": ticket.patient_name,
            "birth_year": str(ticket.birth_year or ""),
            "due": words.gio(ticket.due_at) if ticket.due_at else "",
            "arrived": words.gio(ticket.arrived_at),
            "wait": words.minutes(wait.low, wait.high) if kind in ("wait", "first") else "",
            "qr": qr_svg(address),
        },
    )
