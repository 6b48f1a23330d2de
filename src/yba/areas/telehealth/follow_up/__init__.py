"""Remote follow-up: what a person measures and answers at home by a plan, and whom it alerts.

Read `templates.yaml` (the plans as data), `measures.py`, `plans.py` (how a plan stands in the record), `rules.py`,
`queries.py`, `actions.py`, then the pages: `person.py`, `staff.py`.
"""
