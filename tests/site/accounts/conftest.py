"""Who sits at a desk."""

from __future__ import annotations

import pytest
from django.test import Client

from yba import fhir


@pytest.fixture
def desk(record: fhir.Record) -> Client:
    """A receptionist's browser, signed in at the facility bv1."""
    from tests import signing
    from yba.site.accounts import roles  # conftest files are read before Django is ready

    signing.staff("letan", roles.RECEPTIONIST, facility="bv1")
    browser = Client()
    signing.enter_staff(browser, "letan")
    return browser


@pytest.fixture
def boss(client: Client) -> Client:
    """The administrator of bv1, signed in."""
    from tests import signing
    from yba.site.accounts import roles

    signing.staff("quantri", roles.FACILITY_ADMINISTRATOR, facility="bv1")
    signing.enter_staff(client, "quantri")
    return client
