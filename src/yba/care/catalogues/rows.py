"""The rows of the catalogues: immutable, typed, one type a list."""

from __future__ import annotations

from typing import Literal

import msgspec

_DOSED_PACKS = ("chai", "lọ", "tuýp", "bình")
_DOSE_UNITS = {
    "Hít": "nhát",
    "Xịt mũi": "nhát",
    "Nhỏ mắt": "giọt",
    "Nhỏ tai": "giọt",
    "Nhỏ mũi": "giọt",
    "Bôi": "lớp mỏng",
    "Tiêm": "lọ",
    "Truyền": "chai",
}


class Ingredient(msgspec.Struct, frozen=True):
    """An active ingredient: INN in small letters, other spellings, and its groups for allergy."""

    inn: str
    synonyms: tuple[str, ...]
    classes: tuple[str, ...]


class Drug(msgspec.Struct, frozen=True):
    """A medicine as prescribed. ``name`` is written as TT 26/2025 asks: INN (brand), or brand when several.

    ``active_ingredients`` are INNs of ``ingredients.csv``; ``price`` is VND per ``unit`` (a demonstration
    price).
    """

    code: str
    name: str
    active_ingredients: tuple[str, ...]
    strength: str
    form: str
    route: str
    unit: str
    atc: str
    prescription_only: bool
    price: int
    usual_dose: str

    @property
    def label(self) -> str:
        """ "Amoxicillin 500 mg": name and strength, as on a prescription line."""
        return f"{self.name} {self.strength}"

    @property
    def dose_unit(self) -> str:
        """What one dose is counted in: puffs, drops or millilitres where the pack is a bottle, else the unit."""
        if self.active_ingredients[0].startswith("insulin"):
            return "đơn vị"
        if self.unit in _DOSED_PACKS:
            return _DOSE_UNITS.get(self.route) or ("giọt" if "giọt" in self.form else "ml")
        return self.unit

    @property
    def is_whole_pack(self) -> bool:
        """Handed out by the pack, whatever the number of doses: bottles, tubes, inhalers, pens, vials."""
        return self.unit not in ("viên", "gói", "ống")


class Allergen(msgspec.Struct, frozen=True):
    """A substance one may record an allergy to, and what it stops or warns of."""

    code: str
    name_vi: str
    name_en: str
    category: Literal["medication", "food", "environment"]
    words: tuple[str, ...]
    stop_ingredients: tuple[str, ...]
    stop_classes: tuple[str, ...]
    warn_classes: tuple[str, ...]


ServiceGroup = Literal["exam", "laboratory", "imaging", "function", "procedure", "bed"]


class Service(msgspec.Struct, frozen=True):
    """A service a facility offers. ``loinc`` only where sure; ``price`` is VND per ``unit`` (a
    demonstration price)."""

    code: str
    name_vi: str
    name_en: str
    group: ServiceGroup
    price: int
    unit: str
    loinc: str
    specialty: str


class Specialty(msgspec.Struct, frozen=True):
    """A specialty, with the complaints people search it by."""

    code: str
    name_vi: str
    name_en: str
    words: tuple[str, ...]


class Relationship(msgspec.Struct, frozen=True):
    """Who somebody is to a person; ``role_code`` is of HL7 v3-RoleCode."""

    code: str
    name_vi: str
    name_en: str
    role_code: str


class Ethnicity(msgspec.Struct, frozen=True):
    """One of the 54 peoples of Vietnam."""

    code: str
    name_vi: str


class Vaccine(msgspec.Struct, frozen=True):
    """A dose of the national immunisation calendar; ``due_days`` after birth."""

    code: str
    name_vi: str
    name_en: str
    dose: int
    due_days: int
    series: str


class VietnameseName(msgspec.Struct, frozen=True):
    """Our own wording of the Vietnamese name of an ICD-10 code."""

    code: str
    name_vi: str


class Diagnosis(msgspec.Struct, frozen=True):
    """An ICD-10 code with its names and, where an official list was imported, its limits.

    Ages are whole years, both inclusive; ``age_from_days`` sharpens the first year. ``name_vi`` may be empty.
    """

    code: str
    name_vi: str
    name_en: str
    usable_as_main: bool = True
    sex: str = ""
    age_from: int | None = None
    age_to: int | None = None
    age_from_days: int | None = None

    @property
    def name(self) -> str:
        """The Vietnamese name, or the English one where we have none."""
        return self.name_vi or self.name_en
