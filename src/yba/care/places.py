"""Provinces and communes of Vietnam since 01/07/2025 (two levels), from the package ``vietnam-provinces``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from yba.care.catalogues.searching import Index
from yba.fhir.model.fold import fold


@dataclass(frozen=True, slots=True)
class Province:
    """A province or city under the government; ``code`` has two digits: "46" is Huế."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune, ward or special zone; ``code`` has five digits."""

    code: str
    name: str
    province_code: str
    province_name: str

    @property
    def label(self) -> str:
        """ "Phường Thuận Hóa, Thành phố Huế"."""
        return f"{self.name}, {self.province_name}"


@cache
def provinces() -> tuple[Province, ...]:
    """All provinces, by code."""
    import vietnam_provinces as source

    found = (Province(f"{int(p.code):02}", p.name) for p in source.Province.iter_all())
    return tuple(sorted(found, key=lambda province: province.code))


def province(code: str) -> Province | None:
    """The province of this code, or None."""
    return next((item for item in provinces() if item.code == code), None)


@cache
def _communes() -> Mapping[str, tuple[Commune, ...]]:
    import vietnam_provinces as source

    names = {item.code: item.name for item in provinces()}
    grouped: dict[str, list[Commune]] = {code: [] for code in names}
    for ward in source.Ward.iter_all():
        code = f"{int(ward.province_code):02}"
        grouped[code].append(Commune(f"{int(ward.code):05}", ward.name, code, names[code]))
    return {code: tuple(sorted(items, key=lambda c: c.code)) for code, items in grouped.items()}


def communes(province_code: str) -> tuple[Commune, ...]:
    """The communes of a province, by code; none for an unknown province."""
    return _communes().get(province_code, ())


def commune(code: str) -> Commune | None:
    """The commune of this five-digit code, or None."""
    return _communes_by_code().get(code)


@cache
def _communes_by_code() -> Mapping[str, Commune]:
    return {item.code: item for items in _communes().values() for item in items}


@cache
def _index() -> Index[Commune]:
    return Index((c, c.code, c.name, c.province_name) for c in _communes_by_code().values())


def search_communes(text: str, limit: int = 20) -> list[Commune]:
    """Communes by words of commune and province, accents ignored: "thuan hoa hue"."""
    return _index().search(text, limit)


_KINDS = ("thanh pho ", "tinh ")


def find_province(text: str) -> Province | None:
    """The province a text names, with or without "Tỉnh" or "Thành phố", accents ignored; None unless
    certain."""
    wanted = _bare(text)
    return next((item for item in provinces() if _bare(item.name) == wanted), None)


def _bare(text: str) -> str:
    folded = fold(" ".join(text.split()))
    for kind in _KINDS:
        folded = folded.removeprefix(kind)
    return folded
