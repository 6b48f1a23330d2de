"""Run beside the measured server: loads the demo province and the thickest published chart, signs readers in.

Prints one JSON object: title of a page -> its path and the session cookie that opens it.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path

from bench.sessions import session_of

TESTDATA = Path(os.environ.get("YBA_TESTDATA") or Path(__file__).resolve().parents[2] / "shared" / "testdata")
STAFF = {
    "care desk": ("cskh", "booking:screening"),
    "reception": ("tiepdon", "booking:reception"),
    "doctor's room": ("bs.khoi", "clinic:room"),
    "pharmacy": ("duocsi", "pharmacy:counter"),
    "cashier": ("thungan", "billing:cashier"),
    "wall": ("manhinh", "booking:wall"),
}


def main() -> None:
    """Prepare and print."""
    import django

    django.setup()
    from django.urls import reverse

    from yba.site import demo
    from yba.site.accounts.models import Account

    demo.load_once(say=lambda text: print(text, file=sys.stderr))
    hanh = Account.objects.get(login="0905123456")
    pages: dict[str, tuple[str, str]] = {"find a doctor": (reverse("booking:find"), session_of(hanh))}
    pages["citizen's home"] = (reverse("citizen:home"), session_of(hanh))
    pages["citizen's book"] = (reverse("citizen:book"), session_of(hanh))
    thick = _thickest_chart()
    if thick is not None:
        reader = Account.objects.create(login="0900000001", name="Bench", role="citizen")
        reader.links.create(patient_id=thick, relation="ban-than")
        pages["book of the largest living Synthea chart"] = (reverse("citizen:book"), session_of(reader))
    for title, (login, name) in STAFF.items():
        pages[title] = (reverse(name), session_of(Account.objects.get(login=login)))
    print(json.dumps(pages))


def _thickest_chart() -> str | None:
    """The Patient id of the published bundle with most entries, loaded now; None where the files are not at hand.

    Of somebody alive: who has died has no book to open.
    """
    from yba.fhir.load import store_document
    from yba.site.opening import system_record

    files = sorted((TESTDATA / "synthea-r4").glob("*.json.gz"))
    if not files:
        return None
    record = system_record()
    bodies = {one: gzip.decompress(one.read_bytes()) for one in files}
    largest = max(
        (one for one in files if "Information" not in one.name and b'"deceasedDateTime"' not in bodies[one]),
        key=lambda one: len(json.loads(bodies[one])["entry"]),
    )
    for one in sorted((one for one in files if "Information" in one.name), key=lambda one: one.name):
        store_document(record, bodies[one])
    before = {one.id for one in record.find("Patient", ("family:missing", "false"))}
    store_document(record, bodies[largest])
    made = [one.id for one in record.find("Patient", ("family:missing", "false")) if one.id not in before]
    return made[0] if made else None


if __name__ == "__main__":
    main()
