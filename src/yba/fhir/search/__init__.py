"""Search: parameters of a request to a plan to SQL, and resources to index rows; a module a parameter kind.

Read in this order: ``parameters.py`` (what can be asked), ``index.py`` with ``paths.py`` (what is kept),
``token.py`` and its siblings (both sides of one kind; ``casing.py``: upper and lower case), ``kinds.py`` (which
answers what; ``limits.py``: what a user's parameter allows), ``conditions.py`` with ``chain.py``, ``lists.py`` and
``filtering.py`` (links, lists, filters), ``asked.py`` (the request), ``sorting.py`` and ``paging.py`` (order and
pages), ``statement.py`` (the SQL), ``page.py`` (the answer), ``includes.py`` (what comes along), ``containing.py``
(a search of what is contained).
"""

from yba.fhir.search.compartment import Compartment
from yba.fhir.search.page import Found, Told, run

__all__ = ["Compartment", "Found", "Told", "run"]
