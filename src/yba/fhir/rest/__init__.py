"""The record over HTTP: a module an interaction, request value to response value, and the WSGI face.

Read in this order: ``wsgi.py`` (who asks, failures), ``request.py`` and ``response.py``, ``content.py`` (formats),
``route.py`` (which interaction), then the interactions: ``reading.py``, ``writing.py``, ``patching.py``,
``searching.py`` with ``bundles.py`` and ``subset.py``, ``versions.py`` (histories), ``transactions.py``,
``binaries.py``. ``operations`` holds a module an operation; begin with its ``call.py``. ``capabilities.py`` says
what there is.
"""

from yba.fhir.rest.wsgi import BODY_LIMIT, Application, application

__all__ = ["BODY_LIMIT", "Application", "application"]
