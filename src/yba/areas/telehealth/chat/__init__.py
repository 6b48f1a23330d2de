"""The chat of a person with those who treat them: text, photos, voice notes and files, kept as FHIR Communication.

Read `threads.py` (how a conversation stands in the record), `rules.py`, `queries.py`, `actions.py`, then the pages:
`person.py`, `staff.py`, `files.py` (what is attached), `hours.py`.
"""
