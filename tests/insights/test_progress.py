"""Whether work goes on, by what brokers say."""

from types import SimpleNamespace
from typing import Any, cast

from schemas.topics import CLASSIFIED
from services.insights.progress import Progress
from services.insights.settings import GROUP
from services.kafka.cluster import Ends, Group, Look, Partition
from services.kafka.settings import KafkaSettings

HERE = Partition(CLASSIFIED.name, 0)


def look(committed: int, end: int) -> Look:
    group = Group(GROUP, "Stable", (), {HERE: committed})
    return Look(0.0, {GROUP: group}, {HERE: Ends(0, end, end)}, {})


async def test_time_passes_once_what_waited_is_done_and_not_before() -> None:
    agent = SimpleNamespace(name="forward", source=CLASSIFIED, table=None, rows=0)
    insights = SimpleNamespace(agents=[agent], assigned=lambda _: {0}, is_ready=True, recovery_s=1, rows_to_recover=int)
    progress = Progress(KafkaSettings(), cast("Any", insights), stall_s=60)

    told = [progress.has_caught_up]
    for committed, end in ((10, 100), (90, 200), (100, 300)):  # more comes all the time
        progress._note(look(committed, end), GROUP)
        told.append(progress.has_caught_up)
    insights.is_ready = False
    progress._note_recovery()
    told.append(progress.has_caught_up)

    assert told == [False, False, False, True, False]
