"""The site as a Django app: it brings the translations and the worker's jobs, and sees to new connections."""

from __future__ import annotations

from typing import Any, Final

from django.apps import AppConfig
from django.db.backends.signals import connection_created

#: Statements a page's connection keeps prepared: those of a desk's day, the record's and Django's, with room to spare.
#: With psycopg's 100 the pages of one journey push each other's out, and each is planned again.
PREPARED: Final = 400


class SiteConfig(AppConfig):
    name = "yba.site"
    label = "yba_site"

    def ready(self) -> None:
        connection_created.connect(_keeping_more, dispatch_uid="yba.site.prepared")


def _keeping_more(connection: Any, **_more: Any) -> None:
    connection.connection.prepared_max = PREPARED
