"""Search: parameters of a request to a plan to SQL, and resources to index rows; a module a parameter kind.

Read in this order: ``parameters.py`` (what can be asked), ``index.py`` with ``paths.py`` (what is kept),
``token.py`` and its siblings (both sides of one kind), ``asked.py`` (the request), ``sorting.py`` and ``paging.py``
(order and pages), ``page.py`` (the statement).
"""

from yba.fhir.search.page import Found, run

__all__ = ["Found", "run"]
