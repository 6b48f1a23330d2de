"""Vaccines by the national schedule: which doses count, what is due when, what stands against it.

Read `schedule.yaml` (the reviewed data), `schedule.py`, `spans.py`, `values.py`, `judging.py`, `forecasting.py`,
`bars.py` (all pure), then `reading.py` (from the record) and `fhir.py` (as ImmunizationRecommendation).
"""
