"""Refusals of the terminology service, with the kind of issue its clients look for.

Source: HL7 terminology ecosystem, CodeSystem tx-issue-type.
"""

from __future__ import annotations

from yba.fhir.errors import Invalid, NotFound, RecordError, TooCostly, Unsupported

TX_ISSUE = "http://hl7.org/fhir/tools/CodeSystem/tx-issue-type"


def refused(kind: type[RecordError], key: str, message: str, tx: str) -> RecordError:
    """An error of the record that also names its tx-issue-type."""
    return kind(f"terminology.{key}", message, tx=tx)


def unknown_value_set(url: str) -> RecordError:
    return refused(
        NotFound,
        "value-set-unknown",
        f"A definition for the value Set '{url}' could not be found",
        "not-found",
    )


def unknown_system(url: str, version: str | None = None) -> RecordError:
    named = f"'{url}'" if version is None else f"'{url}' version '{version}'"
    return refused(
        NotFound,
        "system-unknown",
        f"A definition for CodeSystem {named} could not be found, so the value set cannot be expanded",
        "not-found",
    )


def missing_supplement(url: str) -> RecordError:
    return refused(NotFound, "supplement-missing", f"Required supplement not found: {url}", "not-found")


def bad_filter(system: str, filter_: object, why: str) -> RecordError:
    return refused(
        Unsupported,
        "filter",
        f"The filter {filter_} on the system {system} is not understood: {why}",
        "vs-invalid",
    )


def endless(url: str) -> RecordError:
    return refused(Invalid, "cycle", f"The value set '{url}' imports itself", "vs-invalid")


def too_costly(what: str, limit: int) -> RecordError:
    return refused(
        TooCostly,
        "too-costly",
        f"The value set '{what}' has more than {limit} codes: ask for a page (count and offset) or with a filter",
        "too-costly",
    )


def no_content(system: str, content: str) -> RecordError:
    return refused(
        NotFound,
        "no-content",
        f"The code system '{system}' is here with content '{content}' only, so its codes cannot be listed",
        "not-found",
    )


def not_countable(system: str) -> RecordError:
    return refused(
        TooCostly,
        "not-countable",
        f"The code system '{system}' is defined by a grammar or known here only in part, so its codes cannot be "
        "listed: name codes, or validate single codes with $validate-code",
        "too-costly",
    )
