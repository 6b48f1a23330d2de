"""The immunisation schedule as typed values, read once from `schedule.yaml` and checked whole. Raises Wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any, Final, Literal, TypeVar

import msgspec
import yaml

from yba.care.vaccines.spans import Span, span

Live = Literal["injected", "oral", ""]
Effect = Literal["stop", "wait", "ask"]
#: What a contraindication may apply to beside antigens.
ALL, LIVE, INJECTED = "all", "live", "live-injected"
_DEFAULT: Final = "default"


class Wrong(ValueError):
    """`schedule.yaml` says something that is not understood; the message says where."""


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A mapping of the file: a word that is not known is an error."""


class Words:
    """Both languages."""

    __slots__ = ("en", "vi")

    def __init__(self, vi: str, en: str) -> None:
        self.vi: Final = vi
        self.en: Final = en

    def of(self, language: str) -> str:
        return self.en if language == "en" else self.vi


class About(_Strict, frozen=True, kw_only=True):
    """Which schedule this is, from when, and who of this house has confirmed it."""

    version: str
    from_: date = msgspec.field(name="from")
    overdue: Span
    live_apart: Span
    reviewed: str
    names: Words


class Antigen(_Strict, frozen=True, kw_only=True):
    """A disease one is protected from, or a kind of protection."""

    name: Words
    snomed: str


class Product(_Strict, frozen=True, kw_only=True):
    """A vaccine as it is given."""

    code: str
    name: Words
    antigens: tuple[str, ...]
    live: Live = ""
    cvx: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    route: Literal["intramuscular", "subcutaneous", "intradermal", "oral"]
    contains: tuple[str, ...] = ()
    from_: Span | None = msgspec.field(name="from", default=None)
    until: Span | None = None
    program: bool = False


class Dose(_Strict, frozen=True, kw_only=True):
    """One dose of a path: when wanted, when it counts at all, until when it is given."""

    age: Span
    min: Span
    interval: Span | None = None
    wanted: Span | None = None
    latest: Span | None = None
    overdue: Span | None = None
    products: tuple[str, ...] = ()
    note: Words | None = None
    review: bool = False


class Late(_Strict, frozen=True, kw_only=True):
    """What changes for whoever had the first dose at this age or later."""

    first_from: Span
    doses: int | None = None
    wanted: Mapping[int, Span] = {}
    source: str
    review: bool = False


class Path(_Strict, frozen=True, kw_only=True):
    """A way to complete a series."""

    products: tuple[str, ...]
    doses: tuple[Dose, ...]
    key: str = _DEFAULT
    name: Words | None = None
    antigens: tuple[str, ...] = ()
    late: tuple[Late, ...] = ()
    review: bool = False


class Series(_Strict, frozen=True, kw_only=True):
    """What a person needs against an antigen, and the ways to get it."""

    key: str
    name: Words
    antigens: tuple[str, ...]
    source: tuple[str, ...]
    paths: tuple[Path, ...]
    sex: Literal["female", "male", ""] = ""
    pregnant: bool = False
    rollout: bool = False
    mixes: bool = False
    counts_from: Span | None = None
    counts_until: Span | None = None
    interval_from: Literal["given", "counted"] = "given"


class Content(_Strict, frozen=True, kw_only=True):
    """Something in a vaccine that people are allergic to."""

    name: Words
    codes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class Against(_Strict, frozen=True, kw_only=True):
    """A contraindication that the record can show."""

    id: str
    effect: Effect
    applies: tuple[str, ...]
    source: str
    text: Words
    conditions: tuple[str, ...] = ()
    pregnant: bool = False
    review: bool = False


class Question(_Strict, frozen=True, kw_only=True):
    """A question before the session; yes has the effect."""

    id: str
    effect: Effect
    applies: tuple[str, ...]
    source: str
    text: Words
    from_: Span | None = msgspec.field(name="from", default=None)
    until: Span | None = None
    sex: Literal["female", "male", ""] = ""
    review: bool = False


class Schedule(msgspec.Struct, frozen=True):
    """The whole file."""

    about: About
    sources: Mapping[str, str]
    antigens: Mapping[str, Antigen]
    products: Mapping[str, Product]
    series: Mapping[str, Series]
    contents: Mapping[str, Content]
    contraindications: tuple[Against, ...]
    screening: tuple[Question, ...]

    def product_of(self, *, own: Sequence[str] = (), cvx: Sequence[str] = ()) -> Product | None:
        """The vaccine that codes name, of the house's list or of CVX; None when none or several do."""
        found = {
            one.code: one
            for one in self.products.values()
            if {one.code, *one.also} & set(own) or set(one.cvx) & set(cvx)
        }
        return next(iter(found.values())) if len(found) == 1 else None


@cache
def schedule() -> Schedule:
    """The schedule of this house."""
    return read(resources.files("yba.care.vaccines").joinpath("schedule.yaml").read_text("utf-8"))


def read(text: str) -> Schedule:
    """A schedule out of its text. Raises Wrong with the place."""
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Wrong(f"not YAML: {error}") from error
    if not isinstance(tree, dict):
        raise Wrong("the file is no mapping")
    unknown = set(tree) ^ {one.name for one in msgspec.structs.fields(Schedule)}
    if unknown:
        raise Wrong(f"{', '.join(sorted(map(str, unknown)))}: missing, or no part of a schedule")
    made = Schedule(
        about=_value(About, tree["about"], "about"),
        sources=_value(dict[str, str], tree["sources"], "sources"),
        antigens=_each(Antigen, tree["antigens"], "antigens"),
        products=_each(Product, tree["products"], "products", named="code"),
        series=_each(Series, tree["series"], "series", named="key"),
        contents=_each(Content, tree["contents"], "contents"),
        contraindications=_listed(Against, tree["contraindications"], "contraindications"),
        screening=_listed(Question, tree["screening"], "screening"),
    )
    _check(made)
    return made


T = TypeVar("T")


def _value(kind: type[T], found: Any, at: str) -> T:
    try:
        return msgspec.convert(found, kind, dec_hook=_leaf)
    except (msgspec.ValidationError, ValueError) as error:
        raise Wrong(f"{at}: {error}") from error


def _each(kind: type[T], found: Any, at: str, *, named: str = "") -> dict[str, T]:
    if not isinstance(found, dict):
        raise Wrong(f"{at}: names with what they mean are wanted")
    made = {}
    for key, one in found.items():
        if not isinstance(key, str) or not isinstance(one, dict):
            raise Wrong(f"{at}.{key}: a text with a mapping is wanted")
        made[key] = _value(kind, {**one, named: key} if named else one, f"{at}.{key}")
    return made


def _listed(kind: type[T], found: Any, at: str) -> tuple[T, ...]:
    if not isinstance(found, list):
        raise Wrong(f"{at}: a list is wanted")
    return tuple(
        _value(kind, one, f"{at}.{one.get('id', number) if isinstance(one, dict) else number}")
        for number, one in enumerate(found)
    )


def _leaf(kind: type[Any], found: Any) -> Any:
    if kind is Span:
        return span(found)
    if kind is Words:
        vi, bar, en = found.partition(" | ") if isinstance(found, str) else ("", "", "")
        if not (bar and vi.strip() and en.strip()):
            raise ValueError(f"'{found}' has not two languages")
        return Words(vi.strip(), en.strip())
    raise NotImplementedError(kind)


# -- what holds of the whole -------------------------------------------------------------------------------


def _check(made: Schedule) -> None:
    """Every name leads somewhere, no code means two vaccines, spans of a path go upwards."""
    known = {*made.antigens, ALL, LIVE, INJECTED}
    codes: dict[str, str] = {}
    for key, product in made.products.items():
        _names(product.antigens, made.antigens, f"products.{key}.antigens")
        _names(product.contains, made.contents, f"products.{key}.contains")
        for code in (
            f"own {key}",
            *(f"own {one}" for one in product.also),
            *(f"CVX {one}" for one in product.cvx),
        ):
            if codes.setdefault(code, key) != key:
                raise Wrong(f"products.{key}: the code {code} already means {codes[code]}")
    for key, series in made.series.items():
        _names(series.antigens, made.antigens, f"series.{key}.antigens")
        _names(series.source, made.sources, f"series.{key}.source")
        if not series.source or not series.paths:
            raise Wrong(f"series.{key}: it names no source or no path")
        for path in series.paths:
            _check_path(made, series, path, f"series.{key}.{path.key}")
    _once([one.id for one in made.contraindications], "contraindications")
    _once([one.id for one in made.screening], "screening")
    rules: list[Against | Question] = [*made.contraindications, *made.screening]
    for one in rules:
        _names(one.applies, known, f"{one.id}.applies")
        _names((one.source,), made.sources, f"{one.id}.source")
        if isinstance(one, Against) and one.pregnant == bool(one.conditions):
            raise Wrong(f"{one.id}: either conditions or pregnant is wanted")


def _check_path(made: Schedule, series: Series, path: Path, at: str) -> None:
    _names(path.products, made.products, f"{at}.products")
    if not path.doses or not path.products:
        raise Wrong(f"{at}: it has no doses or no products")
    wanted = set(path.antigens or series.antigens)
    for name in path.products:
        if not wanted <= set(made.products[name].antigens):
            raise Wrong(f"{at}: {name} does not hold {', '.join(sorted(wanted))}")
    for one in path.late:
        _names((one.source,), made.sources, f"{at}.late.source")
        if one.doses is not None and not 0 < one.doses <= len(path.doses):
            raise Wrong(f"{at}.late: {one.doses} doses of {len(path.doses)}")
    for number, dose in enumerate(path.doses, 1):
        _check_dose(path, dose, f"{at}.doses.{number}", first=number == 1)
    for number, (before, after) in enumerate(pairwise(path.doses), 2):
        if _days(after.min) < _days(before.min) or _days(after.age) < _days(before.age):
            raise Wrong(f"{at}.doses.{number}: its ages are below those of the dose before")


def _check_dose(path: Path, dose: Dose, at: str, *, first: bool) -> None:
    _names(dose.products, path.products, f"{at}.products")
    if _days(dose.age) < _days(dose.min):
        raise Wrong(f"{at}: recommended before its minimum age")
    if dose.interval is None and not first:
        raise Wrong(f"{at}: the least interval to the dose before is missing")
    if dose.wanted and dose.interval and _days(dose.wanted) < _days(dose.interval):
        raise Wrong(f"{at}: the wanted interval is shorter than the least")
    if dose.latest is not None and _days(dose.latest) <= _days(dose.age):
        raise Wrong(f"{at}: it is recommended when it is no longer given")


def _names(found: Sequence[str], known: Any, at: str) -> None:
    wrong = [one for one in found if one not in known]
    if wrong:
        raise Wrong(f"{at}: there is no '{wrong[0]}'")


def _once(found: Sequence[str], at: str) -> None:
    twice = [one for one in found if found.count(one) > 1]
    if twice:
        raise Wrong(f"{at}: '{twice[0]}' stands twice")


def _days(one: Span) -> int:
    """A span as days from a day that has every month before it."""
    return (one.after(date(2001, 1, 1)) - date(2001, 1, 1)).days
