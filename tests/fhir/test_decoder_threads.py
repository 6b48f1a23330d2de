"""Many threads that decode a type for the first time at once: msgspec alone crashes the process then."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import threading
from yba.fhir.model import codec
barrier = threading.Barrier(8)
kinds = ["Patient", "Observation", "Encounter", "Appointment", "Claim", "Questionnaire", "PlanDefinition", "Bundle"]
def work():
    for kind in kinds:
        barrier.wait()
        try:
            codec.decode(('{"resourceType":"%s"}' % kind).encode())
        except Exception:
            pass
threads = [threading.Thread(target=work) for _ in range(8)]
[one.start() for one in threads]
[one.join() for one in threads]
print("alive")
"""


def test_first_decodings_at_once_do_not_crash() -> None:
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout.strip()) == (0, "alive"), done.stderr[-2000:]
