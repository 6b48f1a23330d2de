"""Much at once: export to NDJSON, import from it. Bulk Data Access 2.0 (hl7.fhir.uv.bulkdata).

``export.py`` and ``importing.py`` are jobs (``yba.fhir.jobs``): begun by ``rest/operations/export.py`` and
``importing.py`` there, carried out by the worker, followed by ``rest/operations/jobs.py``. An export reads one moment
in one read-only transaction, through the access door of who asked; an import stores in small transactions and goes on
from the last whole one after a crash.
"""
