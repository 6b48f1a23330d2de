"""The catalogues: drugs, services, diagnoses, specialties and small lists, read once when first needed.

Everything is immutable and cached. Search ignores accents and case: every word typed must begin a word of
the entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from yba.care.catalogues.rows import (
    Allergen,
    Diagnosis,
    Drug,
    Ethnicity,
    Ingredient,
    Relationship,
    Service,
    Specialty,
    Vaccine,
)
from yba.care.catalogues.searching import Index
from yba.care.catalogues.tables import read_table

__all__ = [
    "Allergen",
    "Diagnosis",
    "Drug",
    "Ethnicity",
    "Ingredient",
    "Relationship",
    "Service",
    "Specialty",
    "Vaccine",
    "allergen",
    "allergens",
    "drug",
    "drug_classes",
    "drugs",
    "ethnicities",
    "ingredient",
    "ingredients",
    "relationship",
    "relationships",
    "search_allergens",
    "search_drugs",
    "search_services",
    "search_specialties",
    "service",
    "services",
    "specialties",
    "specialty",
    "vaccines",
]


@cache
def ingredients() -> tuple[Ingredient, ...]:
    """All active ingredients known to the allergy rules."""
    return read_table("ingredients.csv", Ingredient)


@cache
def _ingredients_by_inn() -> Mapping[str, Ingredient]:
    return {item.inn: item for item in ingredients()}


def ingredient(inn: str) -> Ingredient | None:
    """The ingredient of this INN, or None."""
    return _ingredients_by_inn().get(inn)


@cache
def drugs() -> tuple[Drug, ...]:
    """All drugs, by code."""
    return read_table("drugs.csv", Drug)


@cache
def _drugs_by_code() -> Mapping[str, Drug]:
    return {item.code: item for item in drugs()}


def drug(code: str) -> Drug | None:
    """The drug of this code (``https://yba.vn/fhir/cs/drug``), or None."""
    return _drugs_by_code().get(code)


def drug_classes(item: Drug) -> frozenset[str]:
    """The allergy groups of all its ingredients, e.g. {"penicillin", "beta-lactam"}."""
    known = _ingredients_by_inn()
    return frozenset(group for inn in item.active_ingredients for group in known[inn].classes)


@cache
def allergens() -> tuple[Allergen, ...]:
    """Substances one may pick when recording an allergy."""
    return read_table("allergens.csv", Allergen)


@cache
def _allergens_by_code() -> Mapping[str, Allergen]:
    return {item.code: item for item in allergens()}


def allergen(code: str) -> Allergen | None:
    """The allergen of this code (``https://yba.vn/fhir/cs/allergen``), or None."""
    return _allergens_by_code().get(code)


@cache
def services() -> tuple[Service, ...]:
    """All services with demonstration prices."""
    return read_table("services.csv", Service)


@cache
def _services_by_code() -> Mapping[str, Service]:
    return {item.code: item for item in services()}


def service(code: str) -> Service | None:
    """The service of this code (``https://yba.vn/fhir/cs/service``), or None."""
    return _services_by_code().get(code)


@cache
def specialties() -> tuple[Specialty, ...]:
    """All specialties."""
    return read_table("specialties.csv", Specialty)


def specialty(code: str) -> Specialty | None:
    """The specialty of this code (``https://yba.vn/fhir/cs/specialty``), or None."""
    return next((item for item in specialties() if item.code == code), None)


@cache
def relationships() -> tuple[Relationship, ...]:
    """Who a relative may be."""
    return read_table("relationships.csv", Relationship)


def relationship(code: str) -> Relationship | None:
    """The relationship of this code, or None."""
    return next((item for item in relationships() if item.code == code), None)


@cache
def ethnicities() -> tuple[Ethnicity, ...]:
    """The 54 peoples of Vietnam."""
    return read_table("ethnicities.csv", Ethnicity)


@cache
def vaccines() -> tuple[Vaccine, ...]:
    """The doses of the national calendar for children."""
    return read_table("vaccines.csv", Vaccine)


@cache
def _drug_index() -> Index[Drug]:
    known = _ingredients_by_inn()
    return Index(
        (
            item,
            item.code,
            item.name,
            " ".join((item.strength, *(w for i in item.active_ingredients for w in (i, *known[i].synonyms)))),
        )
        for item in drugs()
    )


def search_drugs(text: str, limit: int = 20) -> list[Drug]:
    """Drugs by code, name, ingredient or strength, best first: "amox 500", "glucophage"."""
    return _drug_index().search(text, limit)


@cache
def _service_index() -> Index[Service]:
    return Index((item, item.code, item.name_vi, f"{item.name_en} {item.loinc}") for item in services())


def search_services(text: str, limit: int = 20) -> list[Service]:
    """Services by code, Vietnamese or English name, best first."""
    return _service_index().search(text, limit)


@cache
def _allergen_index() -> Index[Allergen]:
    return Index(
        (item, item.code, item.name_vi, " ".join((item.name_en, *item.words))) for item in allergens()
    )


def search_allergens(text: str, limit: int = 20) -> list[Allergen]:
    """Allergens by Vietnamese or English name or common word, best first."""
    return _allergen_index().search(text, limit)


@cache
def _specialty_index() -> Index[Specialty]:
    return Index(
        (item, item.code, item.name_vi, " ".join((item.name_en, *item.words))) for item in specialties()
    )


def search_specialties(text: str, limit: int = 20) -> list[Specialty]:
    """Specialties by name or complaint: "dau nguc" finds Tim mạch."""
    return _specialty_index().search(text, limit)
