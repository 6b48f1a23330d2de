"""What a rule answers when it says no: a stable key and a sentence in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal, or (in ``warnings``) a doubt that does not stop.

    ``key``: stable and searchable, for tests and logs, never shown. ``message``: what, where and what next.
    """

    key: str
    template: str | _StrPromise
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The sentence in the language of the reader of this moment."""
        text = str(self.template)
        return text % self.params if self.params else text

    def __str__(self) -> str:
        return self.message


def refuse(key: str, template: str | _StrPromise, **params: object) -> Refusal:
    """``refuse("citizen.length", _("Số căn cước có 12 chữ số, đây có %(count)s."), count=11)``."""
    return Refusal(key, template, params)
