"""The audit: who did what to whose record, as rows, as AuditEvents, sealed, watched and told to the person.

In this order: ``acts.py`` (the kinds of acts and their codes), ``rows.py`` (what is kept of one), ``event.py`` (a row
as FHIR's AuditEvent), ``search.py`` with ``asked.py`` (AuditEvents read and searched through the access door),
``receiving.py`` (events that others send), ``keys.py``, ``sealing.py`` and ``verifying.py`` (the chain of hashes and
its signed heads), ``alerts.py`` with ``rules.yaml`` (what a person should look at), ``opened.py`` (who opened a book).

Rows are written by ``yba.fhir.store`` with each act. They are the audit; nothing of it is copied into
``record.resource``.
"""
