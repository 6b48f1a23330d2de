"""What a page needs of the browser beyond the rest: microphone, sound by itself, frames of one other server.

A view marks its answer; the site's headers loosen the policy for this answer by as much, and no other page's.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse


@dataclass(frozen=True, slots=True)
class Needs:
    """``microphone``: picture and sound of this page; ``frames``: origins it shows frames and runs scripts of."""

    microphone: bool = False
    frames: tuple[str, ...] = ()


NOTHING = Needs()


def needing(
    response: HttpResponse, *, microphone: bool = False, frames: tuple[str, ...] = ()
) -> HttpResponse:
    """The answer, marked with what its page needs."""
    response.yba_needs = Needs(microphone, frames)  # type: ignore[attr-defined]  # travels with the answer
    return response


def needs_of(response: HttpResponse) -> Needs:
    """What the page of an answer needs."""
    found: Needs = getattr(response, "yba_needs", NOTHING)
    return found
