"""The world is what its facts say: whose each row is and who keeps it, as the record has it."""

from __future__ import annotations

from tests.access.asking import Asking
from tests.access.world import World


def test_the_record_knows_whose_each_row_is(asking: Asking, world: World) -> None:
    kept = {
        (kind, one): (patient, facility)
        for kind, one, patient, facility in asking.connection.execute(
            "select type::varchar, id::varchar, patient::varchar, facility::varchar from record.unwalled_resource"
        ).fetchall()
    }
    wrong = [
        (row.name, kept[row.type, row.id], (row.patient, row.facility))
        for row in world.rows
        if kept[row.type, row.id] != (row.patient, row.facility)
    ]
    assert wrong == []
    assert len(kept) == len(world.rows) > 4_000
