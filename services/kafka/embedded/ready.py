"""When the embedded broker can be used: Kafka answers and both of its coordinators have their state."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

RETRY_S: Final = 0.02
REQUEST_TIMEOUT_MS: Final = 2000
GROUP, TRANSACTION = 0, 1  # FindCoordinator's key types


async def ready(bootstrap_servers: str) -> None:
    """
    Return when the broker answers and both of its coordinators have their state.

    The first question about a coordinator creates its topic, so that no first consumer or transaction waits for it.
    And aiokafka takes the answer of a coordinator that is still loading for "nothing committed".
    """
    host, port = bootstrap_servers.split(":")
    await until_it_works(lambda: knock(host, int(port)))
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        await until_it_works(admin.start)
        await until_it_works(lambda: admin.find_coordinator("tagwire", coordinator_type=GROUP))
        await until_it_works(lambda: admin.find_coordinator("tagwire", coordinator_type=TRANSACTION))
        await until_it_works(admin.list_consumer_groups)
    finally:
        await admin.close()


async def until_it_works(attempt: Callable[[], Awaitable[object]]) -> None:
    """Try until the broker has no objection. Whoever calls sets the time limit."""
    while True:
        try:
            await attempt()
        except (KafkaError, OSError):
            await asyncio.sleep(RETRY_S)
        else:
            return


async def knock(host: str, port: int) -> None:
    """See whether the port is open, since aiokafka logs an error at each attempt."""
    _, writer = await asyncio.open_connection(host, port)
    writer.close()
    await writer.wait_closed()
