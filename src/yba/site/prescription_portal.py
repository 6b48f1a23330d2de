"""The national prescription system: which facilities are connected, by the operator's file, built once a process.

The file is named by YBA_PRESCRIPTION_PORTAL (docs/howto/send-prescriptions.md). Passwords are not in it: it names files
that only their owner can read.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

from yba.care.prescription_portal import PrescriptionPortal
from yba.site import secret_files


class PrescriptionPortalProblem(ValueError):
    """The operator's file can't be used; the sentence says what and where."""


def portal_of(facility: str) -> PrescriptionPortal | None:
    """How a facility reaches the portal (`yba.care.prescription_portal`); None where the file names none."""
    return _all().get(facility)


@cache
def _all() -> dict[str, PrescriptionPortal]:
    path = settings.YBA_PRESCRIPTION_PORTAL_FILE
    return portals(Path(path)) if path else {}


def portals(path: Path) -> dict[str, PrescriptionPortal]:
    """Facility id -> its way to the portal. Raises PrescriptionPortalProblem."""
    try:
        said = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, yaml.YAMLError) as problem:
        raise PrescriptionPortalProblem(f"yba: {path} can't be read: {problem}") from None
    found = {}
    for facility, one in said.items():
        try:
            found[str(facility)] = _portal(dict(one), path.parent)
        except (KeyError, TypeError, ValueError) as problem:
            raise PrescriptionPortalProblem(
                f"yba: {path}, {facility}: {type(problem).__name__} {problem}"
            ) from None
    return found


def _portal(given: dict[str, Any], folder: Path) -> PrescriptionPortal:
    # Read when one is named: most houses have none.
    from yba.gateways.prescriptions.portal import Portal, Prescriber

    url = str(given.pop("url"))
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise ValueError(f"url is {url!r}; prescriptions go by https only")
    prescribers = {
        str(one): Prescriber(
            code=str(said["code"]),
            password=secret_files.read(folder / said["password_file"]).decode().strip(),
        )
        for one, said in given.pop("prescribers").items()
    }
    code = str(given.pop("code"))
    if given:
        raise ValueError(f"nothing is known of {', '.join(sorted(map(str, given)))}")
    return Portal(url, code, prescribers)
