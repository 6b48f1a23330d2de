"""Acts that ask who one is once more: taking a whole book away, erasing an account. Source: ASVS 4.0.3, 3.7.1.

The site says how by the setting ``YBA_FRESH_PROOF``, a dotted path to a decorator of views that leads somebody whose
proof is old to the page where it is made anew, and back by GET. Without the setting (the face alone) nothing is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def freshly_proved(view: View[P]) -> View[P]:
    """Only right after one proved who one is."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        path = getattr(settings, "YBA_FRESH_PROOF", "")
        wrap: Callable[[View[P]], View[P]] | None = import_string(path) if path else None
        return (wrap(view) if wrap is not None else view)(request, *args, **kwargs)

    return guarded
