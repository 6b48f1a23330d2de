"""The one WSGI callable: `/fhir` goes to the record, everything else to Django."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yba.site.settings")

from django.conf import settings

from yba.site.environment import serve_behind_wall

if not settings.configured:
    serve_behind_wall()

if os.environ.get("YBA_CHILD"):
    from yba.site.lifetime import die_with_parent

    die_with_parent()

from django.core.wsgi import get_wsgi_application

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

#: Under the record's address, yet said by the site: what SMART apps ask first.
SITE_ADDRESSES = frozenset({"/fhir/.well-known/smart-configuration"})


def _operators_files_read() -> None:
    """A mistake in a file that every booking or signature asks stops the start, not those."""
    from yba.site import hospital_systems, prescription_portal, telephone

    hospital_systems.system_of("")
    prescription_portal.portal_of("")
    telephone.exchange()


def _record_application() -> Application:
    """The record's own endpoint, given connections, tokens and the areas' guards."""
    from yba.fhir import rest
    from yba.site.connections import per_thread
    from yba.site.guards import guards
    from yba.site.headers import insecure_refused, strict_transport
    from yba.site.oauth.addresses import oauth_uris
    from yba.site.oauth.bearer import known_of_bearer
    from yba.site.oauth.remembering import Ends, remembering
    from yba.site.operations import operations
    from yba.site.profiles import enforced

    _operators_files_read()
    application: Application = rest.application(
        connect=per_thread(settings.ENVIRONMENT.conninfo),
        authenticate=remembering(known_of_bearer, Ends(settings.ENVIRONMENT.conninfo).mark),
        guards=guards(),
        base_url=settings.YBA_ORIGIN + "/fhir",
        files=settings.ENVIRONMENT.files_folder,
        import_sources=settings.ENVIRONMENT.import_sources,
        subscription_endpoints=settings.ENVIRONMENT.subscription_endpoints,
        integrity=settings.ENVIRONMENT.integrity,
        validation=enforced(settings.ENVIRONMENT.profiles),
        oauth=oauth_uris(),
        operations=operations(),
    )
    if settings.YBA_DEMO:
        return application
    age = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains"
    return strict_transport(insecure_refused(application), age)


def _both(record: Application, pages: Application) -> Application:
    def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if (path == "/fhir" or path.startswith("/fhir/")) and path not in SITE_ADDRESSES:
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + "/fhir"
            environ["PATH_INFO"] = path[5:] or "/"
            return record(environ, start_response)
        return pages(environ, start_response)

    return application


def _whole() -> Application:
    """Both, shared with the pages of reviewed apps, behind the proxies whose word is taken."""
    from yba.site.oauth.cors import origins, sharing
    from yba.site.proxies import believing

    pages = get_wsgi_application()
    shared = sharing(_both(_record_application(), pages), origins())
    return believing(settings.ENVIRONMENT.proxies, shared)


def _settled(whole: Callable[[], Application]) -> Application:
    """The application, with less for the collector to walk through: what is made at the start stays to the end.

    While it is made the collector would look again and again and find nothing: a sixth of the start. What a request
    makes has few cycles and is gone with its last name, so the collector need look only now and then.
    """
    gc.disable()
    application = whole()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()
    return application


application = _settled(_whole)
