"""What the law lets a doctor treat and prescribe at a distance: the two lists of this folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from yba.care.catalogues import Drug
from yba.care.refusal import Refusal, refuse

HERE: Final = Path(__file__).resolve().parent
_CODE: Final = re.compile(r"[A-Z][0-9]{2}(?:\.[0-9]{1,2})?")
_RANGE: Final = re.compile(r"([A-Z][0-9]{2})\.\.([A-Z][0-9]{2})")


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of the list. ``codes``: with all below them; ``ranges``: of groups, ends included."""

    name: str
    codes: tuple[str, ...]
    ranges: tuple[tuple[str, str], ...]
    together_with: tuple[str, ...]

    def names(self, code: str) -> bool:
        """Whether a diagnosis falls under this line."""
        if any(_below(code, one) for one in self.codes):
            return True
        return any(first <= code[:3] <= last for first, last in self.ranges)


@dataclass(frozen=True, slots=True)
class Controlled:
    """A group of medicines that are not prescribed at a distance."""

    key: str
    names: Mapping[str, str]
    source: str
    ingredients: frozenset[str]

    @property
    def name(self) -> str:
        return self.names.get(get_language() or "vi") or self.names["vi"]


def _below(code: str, group: str) -> bool:
    """Whether a code is a group's or lies below it: K59.0 below K59, E11.90 below E11.9."""
    return code == group or code.startswith(f"{group}." if "." not in group else group)


def _read(name: str) -> Any:
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


@cache
def conditions() -> Sequence[Condition]:
    """The list of conditions. Raises ValueError for a line that names no code."""
    found = []
    for row in _read("conditions.yaml")["conditions"]:
        ranges = tuple((it[1], it[2]) for one in row["icd10"] if (it := _RANGE.fullmatch(one)))
        codes = tuple(one for one in row["icd10"] if not _RANGE.fullmatch(one))
        wrong = [one for one in (*codes, *row.get("with", ())) if not _CODE.fullmatch(one)]
        if wrong or not (codes or ranges):
            raise ValueError(f"conditions.yaml, {row['name']}: {', '.join(wrong) or 'no code'}")
        found.append(Condition(row["name"], codes, ranges, tuple(row.get("with", ()))))
    return tuple(found)


@cache
def controlled() -> Sequence[Controlled]:
    """The groups of medicines."""
    return tuple(
        Controlled(row["key"], row["name"], row["source"], frozenset(row["ingredients"]))
        for row in _read("medicines.yaml")["groups"]
    )


@cache
def source() -> str:
    """Where the list of conditions is from, as a page says it."""
    return str(_read("conditions.yaml")["source"])


def is_listed(code: str, diagnoses: Sequence[str] = ()) -> bool:
    """Whether a diagnosis may be treated at a distance, beside the other ``diagnoses`` of the visit."""
    return any(
        line.names(code)
        and (
            not line.together_with
            or any(_below(other, one) for other in diagnoses for one in line.together_with)
        )
        for line in conditions()
    )


def group_of(drug: Drug) -> Controlled | None:
    """The group for which a medicine is not prescribed at a distance, if it is of one."""
    parts = {one.casefold() for one in drug.active_ingredients}
    return next((one for one in controlled() if parts & one.ingredients), None)


def prescription_refusals(diagnoses: Sequence[str], drugs: Iterable[Drug]) -> list[Refusal]:
    """Why these medicines can't be prescribed at a distance for these diagnoses; empty: they may.

    Every diagnosis of the visit counts, not the main one alone: else an unlisted one would only change its place.
    """
    wanted = list(drugs)
    if not wanted:
        return []
    found = [
        refuse(
            "remote.condition",
            _(
                "Khám từ xa không kê đơn được cho %(code)s: không có trong danh mục của Thông tư 30/2023/TT-BYT. "
                "Bỏ đơn thuốc và hẹn khám trực tiếp."
            ),
            code=code,
        )
        for code in diagnoses
        if not is_listed(code, diagnoses)
    ]
    for drug in wanted:
        group = group_of(drug)
        if group is not None:
            found.append(
                refuse(
                    "remote.medicine",
                    _("%(drug)s là %(group)s, không kê qua khám từ xa. Bỏ thuốc này và hẹn khám trực tiếp."),
                    drug=drug.label,
                    group=group.name,
                )
            )
    return found
