"""Results as JSON values: elements as they are, System values as FHIR would write them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from yba.fhir.model.fhirpath.node import Node
from yba.fhir.model.fhirpath.values import TypeInfo, plain


def as_json(item: Any) -> Any:
    """One item of a result. A System Quantity is its text, such as ``4.5 'mg'``."""
    if type(item) is Node:
        return item.value if item.value is not None else item.extra
    if type(item) is TypeInfo:
        return {"namespace": item.namespace, "name": item.name}
    if type(item) is Decimal:
        return item if "E" not in str(item) else Decimal(plain(item))
    return item if isinstance(item, bool | int | str) else str(item)
