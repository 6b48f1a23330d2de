"""The record over HTTP: a module an interaction, request value to response value, and the WSGI face.

Read ``wsgi.py`` (who asks, failures), ``route.py`` (which interaction), then any interaction.
"""

from yba.fhir.rest.wsgi import BODY_LIMIT, Application, application

__all__ = ["BODY_LIMIT", "Application", "application"]
