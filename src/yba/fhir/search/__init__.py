"""Search: parameters of a request to a plan to SQL, and resources to index rows; a module a parameter kind.

Read in this order: ``parameters.py`` (what can be asked), ``index.py`` with ``paths.py`` (what is kept),
``token.py`` and its siblings (both sides of one kind), ``kinds.py`` (which answers what), ``conditions.py`` with
``chain.py`` and ``filtering.py`` (links, lists, filters), ``asked.py`` (the request), ``sorting.py`` and ``paging.py``
(order and pages), ``statement.py`` (the SQL), ``page.py`` (the answer), ``includes.py`` (what comes along).
"""

from yba.fhir.search.compartment import Compartment
from yba.fhir.search.page import Found, run

__all__ = ["Compartment", "Found", "run"]
