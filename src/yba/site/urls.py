"""The root of all addresses: accounts, the home by role, and each area that exists."""

from __future__ import annotations

import importlib.util

from django.apps import apps
from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from yba.site import home

#: Areas live under their own name; the citizen's book is the exception people know as /so.
PREFIXES = {
    "citizen": "so/",
    "booking": "dat-kham/",
    "administration": "quan-tri/",
    "firsthelp": "hoi-trieu-chung/",
    "telehealth": "kham-tu-xa/",
    "programmes": "chuong-trinh/",
}

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("health", home.health, name="health"),
    path("favicon.ico", home.no_icon, name="no_icon"),
    path("", include("yba.site.accounts.urls")),
    path("", include("yba.site.oauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("tep/", include("yba.care.uploads.urls")),
    path("xin-chia-se/", include("yba.care.sharing.urls")),
    path("tin-nhan/", include("yba.care.messages.urls")),
]
if settings.YBA_DEMO:
    urlpatterns += [path("demo/", include("yba.care.messages.demo_urls"))]
if importlib.util.find_spec("yba.ui.urls"):
    urlpatterns += [path("", include("yba.ui.urls"))]
for _app in apps.get_app_configs():
    # An app inside an area brings its pages through the area's own addresses.
    if (
        _app.name.startswith("yba.areas.")
        and _app.name.count(".") == 2
        and importlib.util.find_spec(f"{_app.name}.urls")
    ):
        _name = _app.name.rsplit(".", 1)[1]
        urlpatterns += [path(PREFIXES.get(_name, f"{_name}/"), include(f"{_app.name}.urls"))]
