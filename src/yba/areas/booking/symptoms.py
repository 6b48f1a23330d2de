"""Groups of symptoms that people choose a doctor by: reviewed data, ``symptoms.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml
from django.utils.translation import get_language

from yba.care import catalogues


@dataclass(frozen=True, slots=True)
class Group:
    """One group, with the specialties that see such complaints."""

    code: str
    words: Mapping[str, str]
    specialties: tuple[str, ...]

    def __str__(self) -> str:
        return self.words["en" if (get_language() or "").startswith("en") else "vi"]


@cache
def groups() -> Mapping[str, Group]:
    """All groups by code, in the order of the file. Raises ValueError for a specialty that is not in the catalogue."""
    said = yaml.safe_load(files("yba.areas.booking").joinpath("symptoms.yaml").read_text("utf-8"))["groups"]
    found = {
        code: Group(code, {"vi": one["vi"], "en": one["en"]}, tuple(one["specialties"]))
        for code, one in said.items()
    }
    for group in found.values():
        for specialty in group.specialties:
            if catalogues.specialty(specialty) is None:
                raise ValueError(f"symptoms.yaml, {group.code}: there is no specialty '{specialty}'")
    return found
