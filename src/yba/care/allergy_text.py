"""What a recorded allergy means for medicines: by code where it has one, else by the words somebody typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from yba.care import catalogues
from yba.care.identifiers import ALLERGEN_CS, ATC, DRUG_CS, INGREDIENT_CS
from yba.fhir.model.fold import fold_words
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.datatypes import CodeableConcept, Coding

# Groups in which an allergy to one member stops them all, where only an ingredient was recorded.
_STRICT: Final = frozenset(
    {
        "penicillin", "cephalosporin", "carbapenem", "nsaid", "salicylate", "sulfonamide", "macrolide",
        "quinolone",
        "tetracycline", "aminoglycoside", "nitroimidazole", "lincosamide", "aromatic-antiepileptic",
        "iodinated-contrast", "amide-anaesthetic", "equine-serum", "opioid", "glycopeptide", "phenicol",
    }
)  # fmt: skip
_PENICILLIN_CROSS: Final = frozenset({"penicillin", "cephalosporin", "carbapenem"})
_NOTHING: Final = frozenset(
    phrase.strip()
    for phrase in [
        "\n    khong",
        " khong co",
        " khong di ung",
        " khong di ung thuoc",
        " khong co di ung",
        " khong ghi nhan",
        " chua ghi nhan",
        "\n    chua phat hien",
        " chua ghi nhan di ung",
        " chua phat hien di ung",
        " none",
        " no known allergy",
        " no known allergies",
        "\n    nkda\n    ",
    ]
)
_NO_KNOWN_CODES: Final = frozenset({"716186003", "409137002", "428607008", "429625007", "no-known-allergies"})


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Ingredients, groups and ATC codes that an allergy stops or warns of."""

    name: str
    stop_ingredients: frozenset[str] = frozenset()
    stop_classes: frozenset[str] = frozenset()
    stop_atc: tuple[str, ...] = ()
    warn_classes: frozenset[str] = frozenset()
    unknown_medicine: bool = False


def sensitivity_of(allergy: AllergyIntolerance) -> Sensitivity:
    """What the allergy's code, its text and the substances of its reactions stop and warn of."""
    concepts = [allergy.code, *(reaction.substance for reaction in allergy.reaction)]
    known = [concept for concept in concepts if concept is not None]
    name = next((text for concept in known for text in _texts(concept)), "")
    parts: list[Sensitivity] = []
    for concept in known:
        coded = [found for coding in concept.coding if (found := _coded(coding)) is not None]
        # Text beside a code may say more than the code: both count.
        parts += coded + [found for text in _texts(concept) for found in _said(_normal(text))]
    medicine = not allergy.category or "medication" in allergy.category or "biologic" in allergy.category
    said = [" ".join(fold_words(text)) for concept in known for text in _texts(concept)]
    # A code of another system without words is an allergy nobody here can read, not the absence of one.
    nothing = bool(said) and all(text in _NOTHING for text in said)
    nothing = nothing or any(c.code in _NO_KNOWN_CODES for concept in known for c in concept.coding)
    return Sensitivity(
        name,
        frozenset().union(*(part.stop_ingredients for part in parts)),
        frozenset().union(*(part.stop_classes for part in parts)),
        tuple(atc for part in parts for atc in part.stop_atc),
        frozenset().union(*(part.warn_classes for part in parts)),
        unknown_medicine=medicine and not parts and not nothing,
    )


def _texts(concept: CodeableConcept) -> list[str]:
    return [text for text in (concept.text, *(coding.display for coding in concept.coding)) if text]


def _coded(coding: Coding) -> Sensitivity | None:
    code = coding.code or ""
    if coding.system == ALLERGEN_CS and (allergen := catalogues.allergen(code)):
        return _of_allergen(allergen)
    if coding.system == INGREDIENT_CS and catalogues.ingredient(code):
        return _of_ingredients((code,))
    if coding.system == DRUG_CS and (drug := catalogues.drug(code)):
        return _of_ingredients(drug.active_ingredients)
    if coding.system == ATC and len(code) >= 3:
        known = {inn for drug in catalogues.drugs() if drug.atc == code for inn in drug.active_ingredients}
        return Sensitivity("", frozenset(known), _of_ingredients(tuple(known)).stop_classes, (code,))
    return None


def _of_allergen(allergen: catalogues.Allergen) -> Sensitivity:
    return Sensitivity(
        allergen.name_vi,
        frozenset(allergen.stop_ingredients),
        frozenset(allergen.stop_classes),
        (),
        frozenset(allergen.warn_classes),
    )


def _of_ingredients(inns: tuple[str, ...]) -> Sensitivity:
    classes = {
        group for inn in inns if (found := catalogues.ingredient(inn)) is not None for group in found.classes
    }
    cross = _PENICILLIN_CROSS if classes & _PENICILLIN_CROSS else frozenset()
    if "sulfonamide" in classes:
        cross |= {"sulfonamide-nonantibiotic"}
    return Sensitivity(
        "",
        frozenset(inns),
        frozenset(classes & _STRICT),
        (),
        frozenset((classes - _STRICT - {"beta-lactam", "beta-lactamase-inhibitor"}) | cross),
    )


def _said(text: str) -> list[Sensitivity]:
    """Everything of the catalogues that is named in a text."""
    return [found for phrase, found in _phrases() if phrase in text]


@cache
def _phrases() -> tuple[tuple[str, Sensitivity], ...]:
    """Names as people write them, each with what it means; longest first is not needed, all that fit
    count."""
    found: dict[str, Sensitivity] = {}
    for drug in catalogues.drugs():
        for brand in re.findall(r"\(([^)]+)\)", drug.name) or [drug.name]:
            words = fold_words(brand)
            if words and len(words[0]) >= 5:
                found.setdefault(_normal(words[0]), _of_ingredients(drug.active_ingredients))
    for item in catalogues.ingredients():
        for name in (item.inn, *item.synonyms):
            found[_normal(name)] = _of_ingredients((item.inn,))
    for allergen in catalogues.allergens():
        for name in (allergen.name_vi, allergen.name_en, *allergen.words):
            found[_normal(name)] = _of_allergen(allergen)
    return tuple(found.items())


def _normal(text: str) -> str:
    """Words as they sound, so that "pênixilin", "penicilline" and "Penicillins" meet; framed by spaces."""
    return " " + " ".join(_sound(word) for word in fold_words(text)) + " "


@cache
def _sound(word: str) -> str:
    for written, spoken in (
        ("ph", "f"),
        ("th", "t"),
        ("ch", "c"),
        ("rh", "r"),
        ("y", "i"),
        ("k", "c"),
        ("z", "s"),
    ):
        word = word.replace(written, spoken)
    word = re.sub(r"c(?=[ie])", "x", word)
    word = re.sub(r"(.)\1", r"\1", word)
    return word if len(word) < 5 else word.removesuffix("s").removesuffix("e")
