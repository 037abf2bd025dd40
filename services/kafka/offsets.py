"""A consumer group -> when it has begun to work."""

import asyncio
from typing import Final

from services.kafka.admin import admin
from services.kafka.settings import KafkaSettings

STABLE: Final = "Stable"
"""The state of a group whose members all have their partitions, as the broker calls it."""
POLL_S: Final = 0.1


async def until_group_works(settings: KafkaSettings, group: str, *, members: int) -> None:
    """Return when the group has as many members and each has been told its partitions."""
    async with admin(settings) as connection:
        while True:
            (answer,) = await connection.describe_consumer_groups([group])
            for code, _, state, _, _, present, *_ in answer.groups:
                if not code and state == STABLE and len(present) >= members:
                    return
            await asyncio.sleep(POLL_S)
