"""Versions, history, transactions, index rows, outbox and audit over PostgreSQL.

Read in this order: ``migrations`` from ``0001_ground.sql`` on (what is kept) with ``migrate.py``, ``identity.py``
(ids and shards), ``rows.py`` (how rows are loaded), ``write.py`` (how one write happens) with ``prepared.py``,
``write_many.py`` (those of a transaction together), ``read.py`` with ``asking.py``, ``audit.py``, ``parameters.py`` and
``reindex.py`` (search parameters that users add, and index rows made anew).
"""

from yba.fhir.store.audit import Journal
from yba.fhir.store.migrate import migrate
from yba.fhir.store.rows import Stored

__all__ = ["Journal", "Stored", "migrate"]
