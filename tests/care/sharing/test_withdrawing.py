"""Whoever a book is shared with, the person's page shows it and takes it back at once."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.care.sharing.village import Village
from yba.fhir.access.consent import sharing
from yba.fhir.r4.consent import Consent
from yba.fhir.r4.datatypes import Identifier, Reference
from yba.fhir.store.rows import execute
from yba.site.oauth.consents import APP

HOLDERS = {
    "facility": Reference(reference="Organization/B", display="Bệnh viện B"),
    "practitioner": Reference(reference="Practitioner/d1", display="BS. Lê Văn Khoa"),
    "programme": Reference(reference="Organization/B", type="Organization", display="Chương trình B"),
    "app": Reference(type="Device", identifier=Identifier(system=APP, value="so-tim-mach"), display="Sổ tim mạch"),
}  # fmt: skip


def standings(village: Village, consent: Consent) -> int:
    query = "select count(*) from record.standing where source_type = 'Consent' and source_id = %s and until > now()"
    found = execute(village.record.connection, query, (consent.id,)).fetchone()
    assert found is not None
    return int(found[0])


@pytest.mark.parametrize("kind", [*HOLDERS, "person"])
def test_each_is_listed_and_taken_back(village: Village, citizen: Client, kind: str) -> None:
    relative = Reference(reference=f"Patient/{village.hung.id}", display="Lê Văn Hùng")
    holder = HOLDERS.get(kind, relative)
    made = village.record.create(sharing(village.own.id or "", [holder], now=village.moment))
    assert standings(village, made) > 0
    name = holder.display or ""
    assert name in citizen.get("/so/chia-se/").content.decode()
    page = citizen.get(f"/so/chia-se/so/{made.id}").content.decode()
    assert "Rút lại ngay" in page
    assert citizen.post(f"/so/chia-se/so/{made.id}/rut").status_code == 302
    assert village.record.read(Consent, made.id or "").status == "inactive"
    assert standings(village, made) == 0
    assert "Đã rút" in citizen.get("/so/chia-se/").content.decode()
