"""How likely two sets of traits are one person's: weights in bits, summed, and what they come to.

The method is Fellegi and Sunter's (1969): each trait gives the logarithm (to base 2) of how much likelier its agreement
is among records of one person than among records of two. The weights below are set by hand from what Vietnamese records
look like (38 % of people are called Nguyễn; a day of birth is shared by one in some 30,000; a telephone is a family's
rather than a person's), not learnt from data.

| trait | agrees | in between | contradicts |
|---|---|---|---|
| identifier of one person (citizen number, insurance card, passport, record number) | +24 | one digit off: -4 | same system, another number: -12 |
| other identifier of one system | +12 | | |
| name, as written or without accents | +10 | words in another order +7; one letter off, not in the called name, +6; same family and called name +5; an accent of a middle name differs +5 | same family name, another called name (or its accent): -5; otherwise another name: -9 |
| date of birth | +13 | day and month exchanged +8; one digit off +6; only the month known +9, only the year +5 | another: -10 |
| gender | +1 | | -6 |
| telephone or e-mail | +6 | | none shared: -0.5 |
| commune and province | +4 | province +1.5 | another province: -1 |
| order among twins | +3 | | -12 |

Of two strangers out of a million nothing speaks for one person: the sum begins at -20. A score is the probability that
the sum stands for. **Certain** is a match only when an identifier of one person agrees, a name or a date of birth agrees
too, no trait contradicts, the record is in use, and it is the only one of which all this holds. Whatever else agrees, a
match without such an identifier never scores above 0.98: twins, and namesakes born on one day, are two people.
"""  # noqa: E501 - a table

from __future__ import annotations

from dataclasses import dataclass, field

from yba.fhir.rest.operations.match.traits import Name, Number, Traits

PRIOR = -20.0
UNCERTAIN = 0.98
PROBABLE = 0.6
POSSIBLE = 0.05


@dataclass(slots=True)
class Verdict:
    """The sum of bits, and what of it counts for a certain match."""

    bits: float = PRIOR
    identified: bool = False
    supported: bool = False
    contradicted: bool = False
    reasons: list[str] = field(default_factory=list)

    def add(self, trait: str, bits: float, *, contradicts: bool = False) -> None:
        """Count one trait."""
        self.bits += bits
        self.contradicted = self.contradicted or contradicts
        self.reasons.append(f"{trait} {bits:+g}")

    @property
    def certain(self) -> bool:
        """Whether this may be called certain, as far as the two records tell."""
        return self.identified and self.supported and not self.contradicted and self.score_of_bits >= 0.99

    @property
    def score_of_bits(self) -> float:
        """The probability the sum stands for."""
        return float(1 / (1 + 2 ** min(-self.bits, 500)))


def compare(asked: Traits, known: Traits) -> Verdict:
    """What speaks for and against the two being one person."""
    verdict = Verdict()
    _compare_numbers(asked, known, verdict)
    _compare_names(asked, known, verdict)
    _compare_births(asked, known, verdict)
    genders = {asked.gender, known.gender}
    if genders == {"male", "female"}:
        verdict.add("gender", -6, contradicts=True)
    elif asked.gender in ("male", "female") and len(genders) == 1:
        verdict.add("gender", 1)
    if asked.contacts and known.contacts:
        verdict.add("telecom", 6 if asked.contacts & known.contacts else -0.5)
    _compare_places(asked, known, verdict)
    if asked.birth_order is not None and known.birth_order is not None:
        same = asked.birth_order == known.birth_order
        verdict.add("order of birth", 3 if same else -12, contradicts=not same)
    if known.replaced:
        verdict.contradicted = True
    return verdict


# -- numbers ------------------------------------------------------------------------------------------------------


def _compare_numbers(asked: Traits, known: Traits, verdict: Verdict) -> None:
    """Each system once: agreeing in one of its numbers is agreeing."""
    for system in dict.fromkeys(one.system for one in asked.numbers):
        ours = [one for one in asked.numbers if one.system == system]
        theirs = [one for one in known.numbers if one.system == system]
        strong = any(one.strong for one in [*ours, *theirs])
        if not theirs:
            if not system:  # a number of no system agrees with that of any, weakly
                values = {one.value for one in known.numbers}
                if any(one.value in values for one in ours):
                    verdict.add("identifier", 12)
        elif any(_same_number(one, other) for one in ours for other in theirs):
            verdict.identified = verdict.identified or strong
            verdict.add("identifier", 24 if strong else 12)
        elif strong:
            near = any(one_off(one.value, other.value) for one in ours for other in theirs)
            verdict.add("identifier", -4 if near else -12, contradicts=True)


def _same_number(one: Number, other: Number) -> bool:
    """An insurance card is known by the last 10 of its 15 characters: the first five change with the work."""
    if one.system.endswith("/bhyt") and {len(one.value), len(other.value)} <= {10, 15}:
        return one.value[-10:] == other.value[-10:]
    return one.value.upper() == other.value.upper()


def one_off(one: str, other: str) -> bool:
    """Whether one slip of the hand leads from one to the other: a sign wrong, too many, missing, or two exchanged."""
    if one == other:
        return False
    if len(one) == len(other):
        at = [number for number, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        if len(at) == 2 and at[1] == at[0] + 1:
            return one[at[0]] == other[at[1]] and one[at[1]] == other[at[0]]
        return len(at) == 1
    short, long = sorted((one, other), key=len)
    return len(long) == len(short) + 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


# -- names ----------------------------------------------------------------------------------------------------------


def _compare_names(asked: Traits, known: Traits, verdict: Verdict) -> None:
    if not asked.names or not known.names:
        return
    bits = max(name_bits(one, other) for one in asked.names for other in known.names)
    verdict.supported = verdict.supported or bits >= 5
    verdict.add("name", bits, contradicts=bits < 0)


def name_bits(one: Name, other: Name) -> float:
    """The weight of two names; below 0 they are names of two people."""
    if one.folded == other.folded:
        clash = [_accents_clash(a, b) for a, b in zip(one.written, other.written, strict=True)]
        return 10 if not any(clash) else -5 if clash[-1] else 5
    if sorted(one.folded) == sorted(other.folded):
        return 7 if one.folded[-1] == other.folded[-1] or len(one.folded) > 2 else 5
    called = one.folded[-1] == other.folded[-1]
    if called and _accents_clash(one.written[-1], other.written[-1]):
        return -5
    family = one.folded[0] == other.folded[0]
    if called and family and min(len(one.folded), len(other.folded)) > 1:
        return 6 if one_off(" ".join(one.folded), " ".join(other.folded)) else 5
    if (
        called
        and len(one.folded) == len(other.folded)
        and one_off(" ".join(one.folded), " ".join(other.folded))
    ):
        return 6
    return -5 if family and len(one.folded) > 1 and len(other.folded) > 1 else -9


def _accents_clash(one: str, other: str) -> bool:
    """Whether two words that fold alike are written with different accents, neither of them without."""
    return one != other and not one.isascii() and not other.isascii()


# -- birth and places -------------------------------------------------------------------------------------------------


def _compare_births(asked: Traits, known: Traits, verdict: Verdict) -> None:
    if not asked.birth or not known.birth:
        return
    bits = birth_bits(asked.birth, known.birth)
    verdict.supported = verdict.supported or bits >= 5
    verdict.add("birth date", bits, contradicts=bits < 0)


def birth_bits(one: str, other: str) -> float:
    """The weight of two dates of birth. The first of January stands for a year of which no more is known."""
    if one == other:
        return 13 if len(one) == 10 else 9 if len(one) == 7 else 5
    short, long = sorted((one, other), key=len)
    if len(short) < 10:
        return (9 if len(short) == 7 else 5) if long.startswith(short) else -10
    if one[:4] == other[:4]:
        if (one[5:7], one[8:]) == (other[8:], other[5:7]):
            return 8
        if "-01-01" in (one[4:], other[4:]):
            return 5
    return 6 if one_off(one.replace("-", ""), other.replace("-", "")) else -10


def _compare_places(asked: Traits, known: Traits, verdict: Verdict) -> None:
    if asked.provinces and known.provinces:
        if not asked.provinces & known.provinces:
            verdict.add("address", -1)
        elif asked.communes & known.communes:
            verdict.add("address", 4)
        else:
            verdict.add("address", 1.5)
