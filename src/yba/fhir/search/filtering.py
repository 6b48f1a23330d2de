"""``_filter``: the tests of a filter as conditions. FHIR R4, filter.html.

Every operator says of a set of values that one of them compares so; ``ne`` too is "some value differs", and
``not (... eq ...)`` is "none is equal".
"""

from __future__ import annotations

from collections.abc import Callable

from yba.fhir.errors import Invalid
from yba.fhir.model.dates import period_of
from yba.fhir.search import chain, kinds, string
from yba.fhir.search.clause import Clause, either, every, negated, probe, unequal
from yba.fhir.search.filter_grammar import Node, Not, Step, Test, parse
from yba.fhir.search.parameters import Parameter, of_type
from yba.fhir.search.question import Asking, Question
from yba.fhir.search.string import BEGINNING, searchable

Asked = Callable[..., Question]
"""Given a value (and a modifier), the question put to the test's parameter."""
_PREFIXED = frozenset({"ne", "gt", "lt", "ge", "le", "ap", "sa", "eb"})
_MODIFIERS = {"ss": "below", "sb": "above", "in": "in", "ni": "not-in"}
_CODED = "(x.code is not null or x.system is not null)"
_MARKS = {"gt": ">", "lt": "<", "ge": ">=", "le": "<="}


def clause(asking: Asking, type_name: str, text: str) -> Clause:
    """The condition of a whole filter. Raises Invalid for what cannot be read or is no parameter of the type."""
    return _node(asking, type_name, parse(text))


def _node(asking: Asking, type_name: str, node: Node) -> Clause:
    if isinstance(node, Test):
        found = _path(asking, type_name, node.path, node)
        if found is None:
            raise Invalid(
                "search.filter",
                f"'{'.'.join(one.name for one in node.path)[:100]}' at column {node.column} of '_filter' "
                f"is no search parameter of {type_name}.",
                parameter="_filter",
                column=node.column,
            )
        return found
    if isinstance(node, Not):
        return negated(_node(asking, type_name, node.inner))
    sides = [_node(asking, type_name, node.left), _node(asking, type_name, node.right)]
    return every(sides) if node.word == "and" else either(sides)


def _path(asking: Asking, type_name: str, path: tuple[Step, ...], test: Test) -> Clause | None:
    """The test at the end of a path of references; a filter in brackets holds of the same target as the rest."""
    first, rest = path[0], path[1:]
    if not rest:
        parameter = of_type(type_name).get(first.name)
        return None if parameter is None else _test(asking, type_name, parameter, test)
    taken = chain.step(type_name, first.name)
    if taken is None:
        return None

    def inner(target: str) -> Clause | None:
        met = _path(asking, target, rest, test)
        if met is None or first.where is None:
            return met
        return every([_node(asking, target, first.where), met])

    return chain.forward(asking, type_name, taken, inner)


def _test(asking: Asking, type_name: str, parameter: Parameter, test: Test) -> Clause:
    operator, value = test.operator, test.value

    def question(text: str, modifier: str | None = None) -> Question:
        return Question(type_name, parameter, modifier, text, asking.now, asking.base_url, asking)

    if operator == "pr":
        if value not in ("true", "false"):
            raise _unfit(test, parameter, "'pr' takes true or false")
        return kinds.answer(question("false" if value == "true" else "true", "missing"))
    if parameter.code in ("_id", "_text", "_content") or parameter.kind in ("composite", "special"):
        return _plain(test, parameter, question)
    if parameter.kind in ("date", "number", "quantity"):
        return _ordered(test, parameter, question)
    if parameter.kind == "string":
        return probe("string", question("").number, _text(test, parameter, question))
    if operator in _MODIFIERS and parameter.kind in ("token", "uri"):
        return kinds.answer(question(_escaped(value), _MODIFIERS[operator]))
    if operator in ("co", "sw", "ew") and parameter.kind in ("token", "uri"):
        column = "x.value" if parameter.kind == "uri" else "x.code"
        return probe(parameter.kind, question("").number, _part(operator, column, value))
    return _plain(test, parameter, question)


def _plain(test: Test, parameter: Parameter, question: Asked) -> Clause:
    """``eq``, ``ne`` and, of references, ``re``: what the parameter finds by itself."""
    allowed = {"eq", "ne"}
    if parameter.kind == "reference":
        allowed = {"eq", "ne", "re"}
    elif parameter.code in ("_text", "_content"):
        allowed = {"eq", "co"}
    if test.operator not in allowed:
        raise _unfit(test, parameter, "it takes " + ", ".join(sorted(allowed | {"pr"})))
    found = kinds.answer(question(_escaped(test.value)))
    if test.operator != "ne":
        return found
    # The text of a concept has an index row beside those of its codes, and is none of them.
    different = unequal(found, _CODED) if parameter.kind == "token" else unequal(found)
    if different is not None:
        return different
    if parameter.code == "_id":
        return negated(found)
    return every([_present(question), negated(found)])


def _present(question: Asked) -> Clause:
    return kinds.answer(question("false", "missing"))


def _ordered(test: Test, parameter: Parameter, question: Asked) -> Clause:
    if test.operator == "eq":
        return kinds.answer(question(_escaped(test.value)))
    if test.operator in _PREFIXED:
        return kinds.answer(question(test.operator + _escaped(test.value)))
    if test.operator == "po" and parameter.kind == "date":
        return _overlapping(test, parameter, question)
    raise _unfit(test, parameter, "it takes eq, ne, gt, lt, ge, le, ap, sa, eb, pr" + (
        " and po" if parameter.kind == "date" else ""
    ))  # fmt: skip


def _overlapping(test: Test, parameter: Parameter, question: Asked) -> Clause:
    """Two ranges overlap unless one ends before the other begins."""
    if parameter.code == "_lastUpdated":
        return kinds.answer(question(_escaped(test.value)))
    try:
        low, high = period_of(test.value)
    except (Invalid, ValueError, OverflowError):
        raise _unfit(test, parameter, "a date is wanted") from None
    return probe("date", question("").number, Clause("(x.low < {} and x.high > {})", (high, low)))


def _text(test: Test, parameter: Parameter, question: Asked) -> Clause:
    text = searchable(test.value)
    if not text:
        raise _unfit(test, parameter, "a text is wanted")
    if test.operator == "eq":
        return Clause("(left(x.folded, 200) = {} and x.folded = {})", (text[:BEGINNING], text))
    if test.operator == "ne":
        return Clause("(x.folded <> {} and x.exact <> '')", (text,))
    if test.operator == "sw":
        return string.condition(question(""), _escaped(test.value))
    if test.operator in _MARKS:
        return Clause(f"x.folded {_MARKS[test.operator]} {{}}", (text,))
    if test.operator in ("co", "ew"):
        return _part(test.operator, "x.folded", text)
    raise _unfit(test, parameter, "it takes eq, ne, co, sw, ew, gt, lt, ge, le, pr")


def _part(operator: str, column: str, text: str) -> Clause:
    """A part of a text, without regard to case."""
    if operator == "co":
        return Clause(f"position(lower({{}}::text) in lower({column})) > 0", (text,))
    if operator == "sw":
        return Clause(f"starts_with(lower({column}), lower({{}}::text))", (text,))
    return Clause(f"right(lower({column}), length({{}}::text)) = lower({{}}::text)", (text, text))


def _escaped(text: str) -> str:
    """A value of a filter as a search value: a comma in it stands for itself."""
    return text.replace("\\", "\\\\").replace(",", "\\,")


def _unfit(test: Test, parameter: Parameter, why: str) -> Invalid:
    return Invalid(
        "search.filter",
        f"'{test.operator}' at column {test.column} of '_filter' does not fit '{parameter.code}', "
        f"a {parameter.kind} parameter: {why}.",
        parameter="_filter",
        column=test.column,
    )
