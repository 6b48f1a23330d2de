"""Code systems whose codes follow a rule or are carried by other packages: UCUM, languages, media types, ISO lists.

Sources: FHIR R4, terminologies-systems.html and external code systems: ucum.html, valueset-languages.html,
valueset-mimetypes.html, iso3166.html; RFC 5646 (languages), RFC 6838 (media types), RFC 3986 (URIs).
"""

from __future__ import annotations

import gettext
import re
import zoneinfo
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any

import pycountry

from yba.fhir.model import ucum
from yba.fhir.terminology.concept import Concept
from yba.fhir.terminology.systems import Listed, Ruled, System

Tree = Any
UCUM = "http://unitsofmeasure.org"
LANGUAGES = "urn:ietf:bcp:47"
MEDIA_TYPES = "urn:ietf:bcp:13"
URIS = "urn:ietf:rfc:3986"
COUNTRIES = "urn:iso:std:iso:3166"
SUBDIVISIONS = "urn:iso:std:iso:3166:-2"
CURRENCIES = "urn:iso:std:iso:4217"
TIME_ZONES = "https://www.iana.org/time-zones"

_MEDIA_TYPE = re.compile(
    r"(application|audio|font|example|haptics|image|message|model|multipart|text|video|chemical|x-[a-z0-9-]+)"
    r"/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}(\s*;\s*[A-Za-z0-9!#$&^_.+-]+=(\"[^\"]*\"|[A-Za-z0-9!#$&^_.+-]+))*"
)
_LANGUAGE = re.compile(
    r"(?P<language>[A-Za-z]{2,3})(?:-[A-Za-z]{3}){0,3}(?:-(?P<script>[A-Za-z]{4}))?"
    r"(?:-(?P<region>[A-Za-z]{2}|[0-9]{3}))?(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
    r"(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*(?:-x(?:-[A-Za-z0-9]{1,8})+)?"
)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")


def _head(url: str, name: str, title: str, *, content: str = "complete", sensitive: bool = True) -> Tree:
    return {
        "resourceType": "CodeSystem", "url": url, "name": name, "title": title, "status": "active",
        "language": "en", "caseSensitive": sensitive, "content": content,
    }  # fmt: skip


def _unit(code: str) -> Concept | None:
    return Concept(code, display=code) if ucum.valid(code) else None


def _media_type(code: str) -> Concept | None:
    return Concept(code, display=code) if _MEDIA_TYPE.fullmatch(code) else None


def _uri(code: str) -> Concept | None:
    return Concept(code, display=code) if _URI.fullmatch(code) else None


def _language(code: str) -> Concept | None:
    """A language tag: its form, and each of language, script and region must be registered."""
    match = _LANGUAGE.fullmatch(code)
    if match is None:
        return None
    language = match["language"].lower()
    known = (
        pycountry.languages.get(alpha_2=language)
        if len(language) == 2
        else pycountry.languages.get(alpha_3=language)
    )
    if known is None:
        return None
    name = str(known.name)
    if match["script"]:
        script = pycountry.scripts.get(alpha_4=match["script"].title())
        if script is None:
            return None
        name += f" ({script.name} script)"
    if match["region"]:
        region = match["region"].upper()
        country = (
            pycountry.countries.get(alpha_2=region)
            if region.isalpha()
            else pycountry.countries.get(numeric=region)
        )
        if country is None and region not in ("001", "150", "419"):  # regions of the world
            return None
        name += f" ({country.name if country is not None else region})"
    return Concept(code, display=name, designations=_vietnamese("iso639-3", str(known.name)))


@lru_cache(maxsize=8)
def _translation(domain: str) -> gettext.NullTranslations:
    return gettext.translation(domain, pycountry.LOCALES_DIR, languages=["vi"], fallback=True)


def _vietnamese(domain: str, name: str) -> tuple[Tree, ...]:
    told = _translation(domain).gettext(name)
    return ({"language": "vi", "value": told},) if told != name else ()


def _concept(code: str, name: str, domain: str) -> Tree:
    return {"code": code, "display": name, "designation": list(_vietnamese(domain, name))}


def _countries() -> Listed:
    rows = [
        _concept(code, country.name, "iso3166-1")
        for kind in ("alpha_2", "alpha_3", "numeric")
        for country in pycountry.countries
        for code in [getattr(country, kind)]
    ]
    return Listed({**_head(COUNTRIES, "ISO3166Part1", "Countries (ISO 3166-1)"), "concept": rows})


def _subdivisions() -> Listed:
    rows = [_concept(one.code, one.name, "iso3166-2") for one in pycountry.subdivisions]
    return Listed({**_head(SUBDIVISIONS, "ISO3166Part2", "Subdivisions (ISO 3166-2)"), "concept": rows})


def _currencies() -> Listed:
    rows = [_concept(one.alpha_3, one.name, "iso4217") for one in pycountry.currencies]
    return Listed({**_head(CURRENCIES, "ISO4217", "Currencies (ISO 4217)"), "concept": rows})


def _time_zones() -> Listed:
    rows = [{"code": name, "display": name} for name in sorted(zoneinfo.available_timezones())]
    return Listed({**_head(TIME_ZONES, "IANATimeZones", "Time zones (IANA)"), "concept": rows})


def _ruled(head: Tree, check: Callable[[str], Concept | None]) -> Callable[[], System]:
    return lambda: Ruled(head, check)


_MADE: dict[str, Callable[[], System]] = {
    UCUM: _ruled(
        {**_head(UCUM, "UCUM", "Unified Code for Units of Measure"), "filter": [{"code": "canonical"}]}, _unit
    ),
    LANGUAGES: _ruled(_head(LANGUAGES, "BCP47", "Language tags (RFC 5646)", sensitive=False), _language),
    MEDIA_TYPES: _ruled(_head(MEDIA_TYPES, "BCP13", "Media types (RFC 6838)"), _media_type),
    URIS: _ruled(_head(URIS, "RFC3986", "Uniform resource identifiers"), _uri),
    COUNTRIES: _countries,
    SUBDIVISIONS: _subdivisions,
    CURRENCIES: _currencies,
    TIME_ZONES: _time_zones,
}


def urls() -> Iterable[str]:
    """The systems known by rule."""
    return _MADE.keys()


@cache
def system(url: str) -> System | None:
    """The system of a url, or None."""
    made = _MADE.get(url)
    return None if made is None else made()
