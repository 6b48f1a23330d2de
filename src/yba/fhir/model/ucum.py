"""Units of measure by UCUM: whether a code is one, what it is in base units, one into another, exactly.

The definitions are those of UCUM's essence, which the library ``ucumvert`` keeps and carries; they are read when
the first unit is asked for. Ratios are fractions, so that 1 g is 1000 mg and not nearly. Source: ucum.org/ucum.
"""

from __future__ import annotations

import re
import threading
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

SYSTEM = "http://unitsofmeasure.org"
LONGEST = 200
_DEEPEST = 20
_EXPONENT = re.compile(r"(.+?)([-+]?[0-9]{1,3})", re.DOTALL)
_NAMESPACE = "{http://unitsofmeasure.org/ucum-essence}"
_MULTIPLY = Context(prec=400)
_DIVIDE = Context(prec=34)
_HIGHEST_POWER = 400

Dimensions = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """``value`` of the unit is ``value * factor + offset`` of the base units in ``dimensions``."""

    factor: Fraction
    dimensions: Dimensions
    offset: Fraction = Fraction(0)

    @property
    def canonical(self) -> str:
        """The base units as UCUM writes them: ``g.m-3``, ``1`` for a plain number."""
        return ".".join(name if power == 1 else f"{name}{power}" for name, power in self.dimensions) or "1"


@dataclass(frozen=True, slots=True)
class _Atom:
    """One entry of the essence: a base or arbitrary unit (``unit`` None), or so many of another."""

    metric: bool
    value: Fraction = Fraction(1)
    unit: str | None = None
    offset: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class _Essence:
    prefixes: dict[str, Fraction]
    atoms: dict[str, _Atom]


class _NotAUnit(Exception):
    """What was read is none."""


# Units on a scale with another zero than the kelvin: what is added after multiplying.
_OFFSETS = {
    "Cel": Fraction("273.15"),
    "degF": Fraction("459.67") * 5 / 9,
    "degRe": Fraction("273.15"),
}
_SAME = {"[IU]": "[iU]"}
_reading = threading.Lock()


@lru_cache(maxsize=1)
def _essence() -> _Essence:
    found = find_spec("ucumvert")
    if found is None or found.origin is None:
        raise RuntimeError("the package ucumvert is not installed")
    file = Path(found.origin).parent / "vendor" / "ucum-essence.xml"
    # A file of an installed package, not something sent.
    root = ElementTree.parse(file).getroot()  # noqa: S314
    prefixes = {
        one.attrib["Code"]: Fraction(one.find(f"{_NAMESPACE}value").attrib["value"])  # type: ignore[union-attr] # the schema wants it
        for one in root.iter(f"{_NAMESPACE}prefix")
    }
    atoms = {one.attrib["Code"]: _Atom(metric=True) for one in root.iter(f"{_NAMESPACE}base-unit")}
    for one in root.iter(f"{_NAMESPACE}unit"):
        atoms[one.attrib["Code"]] = _atom(one)
    return _Essence(prefixes, atoms)


def _atom(entry: ElementTree.Element) -> _Atom:
    metric = entry.attrib.get("isMetric") == "yes"
    value = entry.find(f"{_NAMESPACE}value")
    same = _SAME.get(entry.attrib["Code"])
    if same is not None:
        return _Atom(metric, unit=same)
    if value is None or entry.attrib.get("isArbitrary") == "yes":
        return _Atom(metric)
    function = value.find(f"{_NAMESPACE}function")
    if function is None:
        return _Atom(metric, Fraction(value.attrib["value"]), value.attrib["Unit"])
    offset = _OFFSETS.get(function.attrib["name"])
    if offset is None:  # a logarithm or a tangent: compared with itself alone
        return _Atom(metric)
    return _Atom(metric, Fraction(function.attrib["value"]), function.attrib["Unit"], offset)


class _Reader:
    """Reads one unit by the grammar of ucum.org/ucum#section-Grammar-of-Units-and-Unit-Terms."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def whole(self) -> Unit:
        found = self._term(inverse=self._take("/"))
        if self.at != len(self.text):
            raise _NotAUnit
        return found

    def _take(self, mark: str) -> bool:
        if self.text.startswith(mark, self.at):
            self.at += 1
            return True
        return False

    def _term(self, *, inverse: bool = False) -> Unit:
        # Read from left to right: a leading "/" divides by what is next to it alone.
        found = _power(self._component(), -1 if inverse else 1)
        while self.at < len(self.text) and self.text[self.at] in "./":
            divided = self.text[self.at] == "/"
            self.at += 1
            found = _product(found, _power(self._component(), -1 if divided else 1))
        return found

    def _component(self) -> Unit:
        if self._take("("):
            self.depth += 1
            if self.depth > _DEEPEST:
                raise _NotAUnit
            found = self._term()
            if not self._take(")"):
                raise _NotAUnit
            self.depth -= 1
            self._annotation()
            return found
        symbol = self._symbol()
        annotated = self._annotation()
        if not symbol:
            if not annotated:
                raise _NotAUnit
            return _ONE
        return _symbol(symbol)

    def _symbol(self) -> str:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in "./(){}":
            if self.text[self.at] == "[":
                end = self.text.find("]", self.at)
                if end < 0:
                    raise _NotAUnit
                self.at = end
            self.at += 1
        return self.text[start : self.at]

    def _annotation(self) -> bool:
        if not self._take("{"):
            return False
        end = self.text.find("}", self.at)
        if end < 0 or any(not "!" <= letter <= "~" or letter == "{" for letter in self.text[self.at : end]):
            raise _NotAUnit
        self.at = end + 1
        return True


_ONE = Unit(Fraction(1), ())


def _symbol(text: str) -> Unit:
    """``mg``, ``m2``, ``10*3`` or a plain number."""
    if text.isdecimal() and text.isascii():
        number = Fraction(int(text))
        if not number:
            raise _NotAUnit
        return Unit(number, ())
    whole = _simple(text)
    if whole is not None:
        return whole
    found = _EXPONENT.fullmatch(text)
    base = _simple(found.group(1)) if found else None
    if found is None or base is None:
        raise _NotAUnit
    return _power(base, int(found.group(2)))


@lru_cache(maxsize=1024)
def _simple(text: str) -> Unit | None:
    """An atom, by itself or after a prefix."""
    essence = _essence()
    if text in essence.atoms:
        return _defined(text)
    for size in (1, 2):
        prefix, rest = text[:size], text[size:]
        atom = essence.atoms.get(rest)
        if atom is not None and atom.metric and prefix in essence.prefixes:
            unit = _defined(rest)
            return Unit(unit.factor * essence.prefixes[prefix], unit.dimensions, unit.offset)
    return None


@lru_cache(maxsize=512)
def _defined(name: str) -> Unit:
    atom = _essence().atoms[name]
    if atom.unit is None:
        return Unit(Fraction(1), ((name, 1),))
    unit = _Reader(atom.unit).whole()
    return Unit(atom.value * unit.factor, unit.dimensions, atom.offset)


def _product(one: Unit, other: Unit) -> Unit:
    """Inside a product a degree is a difference of degrees: its zero does not count."""
    powers = dict(one.dimensions)
    for name, power in other.dimensions:
        powers[name] = powers.get(name, 0) + power
    return Unit(one.factor * other.factor, tuple(sorted((n, p) for n, p in powers.items() if p)))


def _power(unit: Unit, power: int) -> Unit:
    if power == 1:
        return unit
    if abs(power) > _HIGHEST_POWER:
        raise _NotAUnit
    if not power:
        return _ONE
    return Unit(unit.factor**power, tuple((name, one * power) for name, one in unit.dimensions))


@lru_cache(maxsize=4096)
def _read(code: str) -> Unit | None:
    if not code or len(code) > LONGEST or not code.isascii():
        return None
    try:
        with _reading:
            return _Reader(code).whole()
    except _NotAUnit:
        return None


def unit(code: str) -> Unit | None:
    """What a code stands for, or None when it is no UCUM unit."""
    return _read(code)


def valid(code: str) -> bool:
    """Whether a code is a UCUM unit, written in its case-sensitive form."""
    return _read(code) is not None


def comparable(one: str, other: str) -> bool:
    """Whether both are units of the same dimensions, arbitrary units counting as dimensions of their own."""
    first, second = _read(one), _read(other)
    return first is not None and second is not None and first.dimensions == second.dimensions


def canonical(value: Decimal, code: str) -> tuple[Decimal, str] | None:
    """The value in base units, and these: ``canonical(5.4, "mg") == (0.0054, "g")``; None for no unit.

    Exact where the decimal ends, else to 34 digits, alike for equal values. An arbitrary or logarithmic unit
    (``[iU]``, ``[pH]``) is its own base unit.
    """
    found = _steps(code)
    if found is None:
        return None
    turned = _turned(value, found)
    return None if turned is None else (turned, found.canonical)


def convert(value: Decimal, from_: str, to: str) -> Decimal | None:
    """The value in another unit; None when one is no unit or they measure different things."""
    one, other = _read(from_), _read(to)
    if one is None or other is None or one.dimensions != other.dimensions:
        return None
    factor, offset = one.factor / other.factor, (one.offset - other.offset) / other.factor
    return _turned(value, _Steps(factor, offset, ""))


class _Steps:
    """A factor and an offset as whole numbers, ready for decimals: (value * times + plus) / by."""

    __slots__ = ("by", "canonical", "plus", "times")

    def __init__(self, factor: Fraction, offset: Fraction, canonical: str) -> None:
        self.times = Decimal(factor.numerator * offset.denominator)
        self.plus = Decimal(offset.numerator * factor.denominator)
        self.by = Decimal(factor.denominator * offset.denominator)
        self.canonical = canonical


@lru_cache(maxsize=4096)
def _steps(code: str) -> _Steps | None:
    found = _read(code)
    return None if found is None else _Steps(found.factor, found.offset, found.canonical)


_ONE_TIME = Decimal(1)


def _turned(value: Decimal, steps: _Steps) -> Decimal | None:
    if not value.is_finite():
        return value if not value.is_nan() and steps.times > 0 else None
    try:
        found = _MULTIPLY.multiply(value, steps.times)
        if steps.plus:
            found = _MULTIPLY.add(found, steps.plus)
        if steps.by != _ONE_TIME:
            found = _DIVIDE.divide(found, steps.by)
    except ArithmeticError:
        return None
    return found if found else Decimal(0)
