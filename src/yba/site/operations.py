"""The FHIR operations of all areas, which the record's endpoint offers beside its own."""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from typing import TYPE_CHECKING

from django.apps import apps

if TYPE_CHECKING:
    from yba.fhir.rest.operations.call import Operation


@cache
def operations() -> tuple[Operation, ...]:
    """Each area's `operations.OPERATIONS`."""
    found: list[Operation] = []
    for app in apps.get_app_configs():
        name = f"{app.name}.operations"
        if app.name.startswith("yba.areas.") and importlib.util.find_spec(name) is not None:
            found += importlib.import_module(name).OPERATIONS
    return tuple(found)
