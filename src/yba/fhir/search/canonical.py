"""Links by canonical URL: ``url`` or ``url|version`` instead of type and id. FHIR R4, references.html#canonical.

A reference by canonical has an index row of the whole text and, with a version, a second one of the bare URL.
"""

from __future__ import annotations

from functools import lru_cache

from yba.fhir.model.codec import resource_class
from yba.fhir.search.clause import Clause
from yba.fhir.search.parameters import of_type, param_number
from yba.fhir.search.paths import Handler, branches, handlers


def is_canonical(type_name: str, code: str) -> bool:
    """Whether a reference parameter reads canonical URLs."""
    return "str" in types_read(type_name, of_type(type_name)[code].expression)


@lru_cache(maxsize=2048)
def types_read(type_name: str, expression: str) -> frozenset[str]:
    """The names of the types an expression ends at; ``str`` is any text."""
    names: set[str] = set()

    def noting(name: str, _only: str | None) -> Handler | None:
        names.add(name)
        return None

    for steps in branches(expression):
        if steps:
            handlers(resource_class(type_name), steps, noting)
    return frozenset(names)


def has_url(type_name: str) -> bool:
    """Whether resources of a type have a canonical URL."""
    parameter = of_type(type_name).get("url")
    return parameter is not None and parameter.kind == "uri"


# A bare URL that stands beside its own version's row says nothing of other versions.
UNVERSIONED = (
    "not exists (select from record.reference y where y.shard = x.shard and y.rid = x.rid and y.param = x.param"
    " and y.target_type is null and starts_with(y.target_id, x.target_id || '|'))"
)


def named_by(type_name: str, rows: Clause) -> Clause:
    """A reference row ``x`` names one of the resources of a type whose shard and row id are among ``rows``."""
    url = f"u.shard = v.shard and u.rid = v.rid and v.param = {param_number(type_name, 'version')}"
    of = f"from record.uri u where u.param = {param_number(type_name, 'url')} and (u.shard, u.rid) in ({rows.sql})"
    with_version = of.replace("record.uri u where", f"record.uri u join record.token v on {url} where")
    return Clause(
        f"x.target_type is null and (x.target_id in (select u.value || '|' || v.code {with_version})"
        f" or x.target_id in (select u.value {of}) and {UNVERSIONED})",
        (*rows.values, *rows.values),
    )


def naming(type_name: str, number: int, rows: Clause) -> Clause:
    """The resource ``r`` is named by canonical in a parameter of one of the ``rows`` (of shards and row ids)."""
    own = f"from record.uri u where u.shard = r.shard and u.rid = r.rid and u.param = {param_number(type_name, 'url')}"
    version = (
        "from record.token v where v.shard = r.shard and v.rid = r.rid"
        f" and v.param = {param_number(type_name, 'version')}"
    )
    return Clause(
        f"exists (select {own} and exists (select from record.reference x where x.param = {number:d}"  # noqa: S608 - our own texts
        f" and x.target_type is null and (x.shard, x.rid) in ({rows.sql}) and (x.target_id = u.value and {UNVERSIONED}"
        f" or x.target_id in (select u.value || '|' || v.code {version}))))",
        rows.values,
    )


def naming_any(number: int, urls: list[str], versioned: list[str]) -> Clause:
    """``r`` names in a parameter one of some URLs, or one of these with its version (``url|version``)."""
    return Clause(
        f"(r.shard, r.rid) in (select x.shard, x.rid from record.reference x where x.param = {number:d}"  # noqa: S608
        f" and x.target_type is null and (x.target_id = any({{}}) or x.target_id = any({{}}) and {UNVERSIONED}))",
        (versioned, urls),
    )
