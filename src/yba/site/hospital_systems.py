"""Hospitals' own systems that are told of visits: what the operator's file says, built once a process.

The file is named by YBA_HOSPITAL_SYSTEMS (docs/howto/run-the-desk.md). Secrets are not in it: it names files that only
their owner can read.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

from yba.care.hospital_systems import HospitalSystem
from yba.site import secret_files


class HospitalSystemProblem(ValueError):
    """The operator's file can't be used; the sentence says what and where."""


def system_of(facility: str) -> HospitalSystem | None:
    """The system of a facility (`yba.care.hospital_systems`); None where the file names none."""
    return _all().get(facility)


@cache
def _all() -> dict[str, HospitalSystem]:
    path = settings.YBA_HOSPITAL_SYSTEMS_FILE
    return systems(Path(path)) if path else {}


def systems(path: Path) -> dict[str, HospitalSystem]:
    """Facility id -> its system. Raises HospitalSystemProblem."""
    try:
        said = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, yaml.YAMLError) as problem:
        raise HospitalSystemProblem(f"yba: {path} can't be read: {problem}") from None
    found = {}
    for facility, one in said.items():
        try:
            found[str(facility)] = _system(dict(one), path.parent)
        except (KeyError, TypeError, ValueError) as problem:
            raise HospitalSystemProblem(
                f"yba: {path}, {facility}: {type(problem).__name__} {problem}"
            ) from None
    return found


def _system(given: dict[str, Any], folder: Path) -> HospitalSystem:
    # Read when one is named: most houses have none, and need none of the libraries.
    from yba.gateways.hospital.fhir import FhirSystem
    from yba.gateways.hospital.mllp import Place
    from yba.gateways.hospital.siu import Names, SiuSystem

    way = given.pop("by")
    if way == "hl7":
        names = {
            key: given.pop(key) for key in ("application", "facility", "sender", "processing") if key in given
        }
        if given.get("ca_file"):
            given["ca_file"] = str(folder / given["ca_file"])
        return SiuSystem(Names(**names), Place(**given))
    if way == "fhir":
        file = given.pop("token_file", "")
        token = secret_files.read(folder / file).decode().strip() if file else ""
        return FhirSystem(token=token, **given)
    raise ValueError(f"by is {way!r}; it can be hl7 or fhir")
