"""An agent without Faust: its rows in a dictionary, and what it says in a list."""

from collections.abc import Sequence

from schemas.documents import Model
from services.insights.tables import Table
from services.insights.work import Agent, Effects
from services.kafka.records import Placed, Record
from services.kafka.settings import KafkaSettings

KAFKA = KafkaSettings()
LATER_MS = 2_000_000_000_000
"""After all event times of these tests."""


class Rows(Table):
    """A table's rows."""

    def __init__(self) -> None:
        self.held: dict[int, dict[bytes, bytes]] = {}

    def get(self, partition: int, key: bytes) -> bytes | None:
        return self.held.get(partition, {}).get(key)

    def take(self, effects: Effects) -> list[Placed]:
        """Do as the engine does: write the rows and call `done`; return what is said."""
        for partition, key, value in effects.rows:
            rows = self.held.setdefault(partition, {})
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value
        effects.done()
        return effects.outputs

    def restart(self, agent: Agent) -> None:
        """Have the agent forget all and take over what is stored."""
        for partition in list(self.held):
            agent.forget(partition)
            agent.remember(partition, self.held[partition].items())


def record(held: Model, offset: int, *, partition: int = 0, written_ms: int = LATER_MS) -> Record:
    value = held.model_dump_json(exclude_none=True).encode()
    return Record("insights", partition, offset, written_ms, None, value)


def topics(said: Sequence[Placed]) -> list[str]:
    return [each.topic for each in said]
