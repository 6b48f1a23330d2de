"""`python -m tools.lists` copies the catalogues of `care` into the lists of terminology; `--check` compares.

The record stands below `care` and cannot import it, so its terminology keeps the columns it needs: code and names.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import yaml

_ROOT = Path(__file__).resolve().parents[1] / "src" / "yba"
CATALOGUES = _ROOT / "care" / "catalogues"
LISTS = _ROOT / "fhir" / "terminology" / "lists"
# list -> catalogue, code column, Vietnamese column, English column
_COPIED = {
    "ethnicity": ("ethnicities", "code", "name_vi", "name_vi"),
    "relationship": ("relationships", "code", "name_vi", "name_en"),
    "specialty": ("specialties", "code", "name_vi", "name_en"),
    "service": ("services", "code", "name_vi", "name_en"),
    "vaccine": ("vaccines", "code", "name_vi", "name_en"),
    "allergen": ("allergens", "code", "name_vi", "name_en"),
    "icd10-vi": ("icd10_vi", "code", "name_vi", ""),
    "loinc": ("services", "loinc", "name_vi", "name_en"),
}


def texts() -> dict[str, str]:
    """File name -> text of every copied list."""
    return {f"{name}.csv": _text(*columns) for name, columns in _COPIED.items()}


def _text(catalogue: str, code: str, vietnamese: str, english: str) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(["code", "display", *(["display:en"] if english else [])])
    seen: set[str] = set()
    with (CATALOGUES / f"{catalogue}.csv").open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            if row[code] and row[code] not in seen:
                seen.add(row[code])
                writer.writerow([row[code], row[vietnamese], *([row[english]] if english else [])])
    if catalogue == "vaccines":
        writer.writerows(one for one in _vaccines() if one[0] not in seen)
    return written.getvalue()


def _vaccines() -> list[list[str]]:
    """The vaccines of the immunisation schedule: code and names."""
    tree = yaml.safe_load((_ROOT / "care" / "vaccines" / "schedule.yaml").read_text(encoding="utf-8"))
    return [[code, *one["name"].split(" | ")] for code, one in tree["products"].items()]


def stale() -> list[str]:
    """The lists that differ from their catalogue."""
    return sorted(
        name
        for name, text in texts().items()
        if not (LISTS / name).is_file() or (LISTS / name).read_text(encoding="utf-8") != text
    )


def main() -> int:
    differing = stale()
    if "--check" in sys.argv[1:]:
        print("\n".join(f"changed: {name}" for name in differing) or "tools.lists: the lists are fresh")
        return 1 if differing else 0
    for name, text in texts().items():
        (LISTS / name).write_text(text, encoding="utf-8")
    print(f"tools.lists: {len(differing)} lists written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
