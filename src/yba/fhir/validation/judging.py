"""Validate a resource: the one way in.

``validate`` takes a tree as sent, valid or not, and gives back all that was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from yba.fhir.errors import RecordError
from yba.fhir.model import tree as trees
from yba.fhir.validation import profiled, walk
from yba.fhir.validation.definitions import Definitions
from yba.fhir.validation.issue import Issue, of_error
from yba.fhir.validation.state import Resolve, State

Tree = Any


def validate(
    tree: Tree,
    *,
    profiles: Sequence[str] = (),
    structures: Definitions | None = None,
    terminology: Any = None,
    resolve: Resolve | None = None,
) -> list[Issue]:
    """What is wrong with a resource, or worth knowing; an empty list when nothing is.

    ``profiles``: canonical urls it must meet beside those its ``meta.profile`` names. ``structures``: where profiles
    are found; by default those of FHIR R4. Without ``terminology`` no binding is judged; ``resolve`` gives resources
    that references lead to.
    """
    state = State(structures or Definitions(), terminology, resolve)
    try:
        scope = walk.resource(state, tree, "")
        if scope is not None:
            for canonical in profiles:
                profiled.by_name(state, scope, canonical, scope.path, asked=True)
    except RecordError as error:
        return [*state.issues.values(), of_error(error)]
    except RecursionError:
        told = Issue(
            "fatal", "too-costly", "", "validation.depth", "The resource is nested too deep to be judged."
        )
        return [*state.issues.values(), told]
    return list(state.issues.values())


def validate_json(data: bytes | str, **given: Any) -> list[Issue]:
    """Like ``validate``, of JSON text; what cannot be read is one fatal issue."""
    try:
        tree = trees.parse(data)
    except RecordError as error:
        return [of_error(error)]
    return validate(tree, **given)
