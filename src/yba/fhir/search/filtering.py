"""``_filter``: the tests of a filter as conditions. FHIR R4, filter.html.

Every operator says of a set of values that one of them compares so; ``ne`` too is "some value differs", and
``not (... eq ...)`` is "none is equal".
"""

from __future__ import annotations

from collections.abc import Callable

from yba.fhir.errors import Invalid
from yba.fhir.model.dates import period_of
from yba.fhir.search import canonical, casing, chain, kinds, string
from yba.fhir.search.clause import Clause, condition_of, either, every, negated, probe, unequal
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
        if parameter.kind == "uri":
            return probe("uri", question("").number, _part(operator, "x.value", value))
        return probe("token", question("").number, _part(operator, "x.code", value.casefold()))
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
    different = _different(question(""), found)
    if different is not None:
        return different
    if parameter.code == "_id":
        return negated(found)
    return every([_present(question), negated(found)])


def _different(question: Question, found: Clause) -> Clause | None:
    """Of a probe: there is a value that does not meet it, where one value may have several index rows.

    The text of a concept stands beside its codes and is none of them; a canonical stands with its version and
    without; a telephone number with its use, with its kind, and without blanks. None of any other clause.
    """
    parameter = question.parameter
    if parameter.kind == "token":
        if casing.keeps(parameter):
            return _also(casing.as_written(question.number, found), "x.code", "lower(x.code)", _CODED)
        if "ContactPoint" in canonical.types_read(question.type, parameter.expression):
            return _other_contact(question, found)
        return unequal(found, _CODED)
    if parameter.kind == "uri":
        return _also(found, "x.value", "split_part(x.value, '|', 1)", _UNVERSIONED)
    if parameter.kind == "reference" and canonical.is_canonical(question.type, parameter.code):
        return _also(found, "x.target_id", "split_part(x.target_id, '|', 1)", canonical.UNVERSIONED)
    return unequal(found)


_UNVERSIONED = (
    "not exists (select from record.uri y where y.rid = x.rid and y.shard = x.shard and y.param = x.param"
    " and starts_with(y.value, x.value || '|'))"
)


def _also(found: Clause, column: str, other: str, among: str) -> Clause | None:
    """Some index row, ``among`` these, meets the condition neither as it is nor in its ``other`` form."""
    taken = condition_of(found)
    if taken is None:
        return None
    both = either([taken, Clause(taken.sql.replace(column, other), taken.values)])
    return unequal(Clause(found.sql.replace(taken.sql, both.sql), both.values), among)


_SAME_CONTACT = (
    "(y.code = x.code or y.code = translate(x.code, ' .-()', '') or x.code = translate(y.code, ' .-()', ''))"
)


def _other_contact(question: Question, found: Clause) -> Clause | None:
    taken = condition_of(found)
    if taken is None:
        return None
    other = (
        "not exists (select from record.token y where y.rid = x.rid and y.shard = x.shard and y.param = x.param"
        f" and {_SAME_CONTACT} and {taken.sql.replace('x.', 'y.')})"
    )
    return probe("token", question.number, Clause(other, taken.values))


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
