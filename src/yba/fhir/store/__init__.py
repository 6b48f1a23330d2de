"""Versions, history, transactions, index rows, outbox and audit over PostgreSQL.

Read in this order: ``migrations/0001_ground.sql`` (what is kept), ``rows.py`` (how it is loaded), ``write.py``
(how one write happens), ``read.py``, ``bundle.py`` (transactions), ``audit.py``.
"""

from yba.fhir.store.audit import Journal
from yba.fhir.store.migrate import migrate
from yba.fhir.store.rows import Stored

__all__ = ["Journal", "Stored", "migrate"]
