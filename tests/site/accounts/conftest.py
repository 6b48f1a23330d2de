"""Who sits at a desk."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import signing
from yba import fhir
from yba.site.accounts import roles


@pytest.fixture
def desk(record: fhir.Record) -> Client:
    """A receptionist's browser, signed in at the facility bv1."""
    signing.staff("letan", roles.RECEPTIONIST, facility="bv1")
    browser = Client()
    signing.enter_staff(browser, "letan")
    return browser
