"""Outputs -> the cluster, outside any transaction: idempotent, in order per key, each acknowledged."""

import asyncio
from collections import deque
from typing import Any, Final, Self

from services.kafka import client
from services.kafka.records import Output
from services.kafka.settings import KafkaSettings

IN_FLIGHT: Final = 1000
"""Records sent and not yet acknowledged."""


class Publisher:
    """Use as an async context manager. Leaving it without an error waits for every acknowledgement."""

    def __init__(self, settings: KafkaSettings, *, client_id: str) -> None:
        self._settings = settings
        self._producer = client.producer(settings, client_id=client_id)
        self._pending: deque[asyncio.Future[Any]] = deque()
        self.acknowledged = 0

    async def __aenter__(self) -> Self:
        try:
            await self._producer.start()
        except BaseException:
            await client.stop(self._producer)
            raise
        return self

    async def __aexit__(self, failure: type[BaseException] | None, *_: object) -> None:
        try:
            while self._pending and failure is None:
                await self._settle_oldest()
        finally:
            for sent in self._pending:
                sent.cancel()
            await client.stop(self._producer)

    async def send(self, output: Output) -> None:
        """Send one record; waits while too many are under way. Raises what an earlier record was refused for."""
        topic = self._settings.topic(output.topic)
        self._pending.append(
            await self._producer.send(topic, output.value, key=output.key, headers=list(output.headers))
        )
        while self._pending and (len(self._pending) > IN_FLIGHT or self._pending[0].done()):
            await self._settle_oldest()

    async def _settle_oldest(self) -> None:
        await self._pending.popleft()
        self.acknowledged += 1
