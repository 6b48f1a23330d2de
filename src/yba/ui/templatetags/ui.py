"""The components as template tags: one function, one template, one stylesheet each. Listed in ``yba/ui/README.md``."""

from __future__ import annotations

from yba.ui.components import filters, forms, lists, paper, said, signs
from yba.ui.components.rendering import register

__all__ = ["filters", "forms", "lists", "paper", "register", "said", "signs"]
