"""Requests nobody would send, a hundred thousand of them: `python -m bench.fuzz --requests 100000 --seed 1`.

| Module | What it does |
|---|---|
| `values` | odd values of every kind: texts, numbers, dates, tokens, references |
| `trees` | valid resources, and what becomes of them when a part is broken |
| `dice` | chance, and whether a request is to get far |
| `world` | what the server offers, read from its CapabilityStatement |
| `searching`, `sending`, `calling` | searches; writes and patches; operations and bundles |
| `asking` | a request from a seed and a number: the same one each time |
| `judging` | what every answer must hold |
| `running` | a database, the application in process, and the run |

Each request depends on the seed and its number alone, so one that broke something can be sent again.
"""
