"""The guards of care, of all areas and of apps, in one mapping: every way into the record passes them."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from django.apps import apps

Guard = Callable[[Any, Any, Any], None]


@cache
def guards() -> Mapping[str, Sequence[Guard]]:
    """Resource type -> guards, from the `guards.GUARDS` of care, of each area and of apps."""
    found: dict[str, list[Guard]] = {}
    for app in apps.get_app_configs():
        name = f"{app.name}.guards"
        if (
            not app.name.startswith(("yba.areas.", "yba.care", "yba.site."))
            or importlib.util.find_spec(name) is None
        ):
            continue
        module = importlib.import_module(name)
        for type_name, some in module.GUARDS.items():
            found.setdefault(type_name, []).extend(some)
    return found
