"""The audit's keys and heads as this installation has them: from the environment, else files in its data folder."""

from __future__ import annotations

from yba.fhir.audit import keys
from yba.fhir.audit.heads import HeadFiles
from yba.site import secret_files
from yba.site.environment import Environment, audit_keys

FILE = "audit-key"


def signer(env: Environment) -> keys.Signer:
    """What signs heads: YBA_AUDIT_KEY, else a file that is made at the first start and only its owner can read."""
    given, _ = audit_keys()
    try:
        return keys.Signer(given or secret_files.kept(env.data, FILE, keys.fresh))
    except keys.KeyProblem as problem:
        place = "YBA_AUDIT_KEY" if given else str(env.data / FILE)
        raise SystemExit(f"yba: {place} can't be used. {problem}") from None


def believed(env: Environment, more: list[str]) -> keys.Believed:
    """The keys whose signatures count: our own, those we signed with before (YBA_AUDIT_KEYS_BEFORE), and ``more``."""
    _, before = audit_keys()
    try:
        return keys.Believed([*(more or [signer(env).public]), *before])
    except keys.KeyProblem as problem:
        raise SystemExit(f"yba: {problem}") from None


def heads(env: Environment) -> HeadFiles:
    """Where heads are kept outside of the database."""
    return HeadFiles(env.data / "audit")
