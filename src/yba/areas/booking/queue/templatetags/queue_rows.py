"""The rows of reception's table, written by hand.

Thirty rows of a dozen tags each were a third of the page's time. What is written is what a template would write; every
value is escaped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from yba.areas.booking.queue.pages import Row
from yba.ui import words
from yba.ui.components.signs import status

register = template.Library()


@register.simple_tag
def queue_rows(rows: Sequence[Row]) -> SafeString:
    """People in the line, a row each."""
    return mark_safe("".join([_row(one) for one in rows]))  # noqa: S308 - every value is escaped in _row


def _row(row: Row) -> str:
    state = f' data-state="{escape(row.state)}"' if row.state else ""
    code = escape(words.ticket(row.ticket.code))
    return (
        f'<tr data-row{state}><th scope="row" class="is-tight"><span class="ticket-tag">{code}</span></th>'
        f'<td><a class="person" href="{escape(row.url)}">{escape(row.ticket.patient_name)}</a>'
        f' <span class="pale nowrap">{escape(row.facts)}</span></td><td>{escape(row.room)}</td>'
        f'<td class="nowrap">{escape(row.source)}</td><td class="n">{escape(row.waited)}</td>'
        f"<td>{_status(row.kind, row.status, get_language())}</td></tr>"
    )


@lru_cache(maxsize=256)
def _status(kind: str, text: str, _language: str | None) -> SafeString:
    return status(kind, text)
