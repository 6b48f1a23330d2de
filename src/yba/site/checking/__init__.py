"""Whether an installation may face the world: facts are gathered once, rules judge them without I/O.

Read in this order: `finding.py`, `facts.py`, `configuration.py`, `stored.py`, `files.py`. The command is `yba check`.
"""

from __future__ import annotations

from yba.site.checking import configuration, files, stored
from yba.site.checking.facts import Facts
from yba.site.checking.finding import Finding


def judged(facts: Facts) -> list[Finding]:
    """What is wrong, errors first, in the order of the rules."""
    found = [*configuration.judged(facts), *files.judged(facts), *stored.judged(facts)]
    return sorted(found, key=lambda one: one.level != "error")
