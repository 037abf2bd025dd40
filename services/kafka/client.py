"""Settings -> aiokafka clients, each set up as the experiments taught (docs/decisions/0002)."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    DuplicateSequenceNumber,
    InvalidProducerEpoch,
    KafkaError,
    NotCoordinatorForGroupError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    UnknownProducerId,
    for_code,
)
from aiokafka.helpers import create_ssl_context
from aiokafka.protocol.commit import OffsetFetchRequest

from schemas.topics import MAX_OUTPUT_BYTES
from services.kafka.records import Placed, Record
from services.kafka.settings import KafkaSettings

HEARTBEATS_PER_SESSION: Final = 10
REBALANCE_TIMEOUT_MS: Final = 60_000
"""How long a rebalance waits for a lane whose commit is under way. Its default would be the session timeout."""
NEVER_MS: Final = 2**31 - 1
"""aiokafka leaves the group, and stays out, when nobody polls for `max_poll_interval_ms`: a spare worker without
partitions never polls. Progress is watched by ourselves."""
METADATA_AGE_MS: Final = 30_000
"""New partitions are found after so long. aiokafka's default is five minutes."""
FETCH_WAIT_MS: Final = 100
"""A fetch under way holds up the partitions that are not in it, so it is kept short."""
FETCH_PARTITION_BYTES: Final = 4 * 1024 * 1024
"""Compressed bytes of one partition in one fetch; a single larger record still comes."""
READER_FETCH_BYTES: Final = 1024 * 1024
"""As aiokafka has it."""
STOP_TIMEOUT_S: Final = 3
"""aiokafka's stop() does not return while the broker is away."""
CANCEL_AGAIN_S: Final = 1.0
TRANSACTION_TIMEOUT_MS: Final = 60_000
"""How long the broker lets a transaction be open."""
LINGER_MS: Final = 5
_OF_THE_PRODUCER: Final = (
    DuplicateSequenceNumber,
    InvalidProducerEpoch,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    UnknownProducerId,
)
BATCH_BYTES: Final = 512 * 1024
"""Before compression. Larger ones compress better and need fewer requests, for one at a time is on its way to a
partition; but one that hardly shrinks must fit into a topic whose `max.message.bytes` is Kafka's default, 1 MiB."""


def connection(settings: KafkaSettings) -> dict[str, Any]:
    """Return the arguments that every aiokafka client takes to reach the cluster."""
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "security_protocol": settings.security_protocol,
        "sasl_mechanism": settings.sasl_mechanism,
        "sasl_plain_username": settings.sasl_plain_username,
        "sasl_plain_password": settings.sasl_plain_password and settings.sasl_plain_password.get_secret_value(),
        "sasl_kerberos_service_name": settings.sasl_kerberos_service_name,
        "sasl_kerberos_domain_name": settings.sasl_kerberos_domain_name,
    }
    if settings.security_protocol in {"SSL", "SASL_SSL"}:
        arguments["ssl_context"] = create_ssl_context(
            cafile=settings.ssl_cafile,
            certfile=settings.ssl_certfile,
            keyfile=settings.ssl_keyfile,
            password=settings.ssl_password and settings.ssl_password.get_secret_value(),
        )
    return arguments


def admin_client(settings: KafkaSettings) -> AIOKafkaAdminClient:
    return AIOKafkaAdminClient(**connection(settings), client_id="tagwire-admin")


def producer(settings: KafkaSettings, *, client_id: str, transactional_id: str | None = None) -> AIOKafkaProducer:
    """Return a producer, not yet started: idempotent, or transactional with an id."""
    return AIOKafkaProducer(
        **connection(settings),
        client_id=client_id,
        transactional_id=transactional_id,
        transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        enable_idempotence=True,
        acks="all",
        compression_type="zstd",
        linger_ms=LINGER_MS,
        max_batch_size=BATCH_BYTES,
        max_request_size=MAX_OUTPUT_BYTES,
    )


def reader(
    settings: KafkaSettings,
    *topics: str,
    client_id: str,
    from_start: bool = True,
    fetch_bytes: int = READER_FETCH_BYTES,
) -> AIOKafkaConsumer:
    """
    Return a read-committed consumer outside any group, not yet started: it never commits.

    `fetch_bytes` are of one partition in one fetch; a larger first batch still comes whole.
    """
    return AIOKafkaConsumer(
        *topics,
        **connection(settings),
        client_id=client_id,
        isolation_level="read_committed",
        auto_offset_reset="earliest" if from_start else "latest",
        enable_auto_commit=False,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        max_partition_fetch_bytes=fetch_bytes,
    )


async def group_member(settings: KafkaSettings, group: str, *, client_id: str) -> AIOKafkaConsumer:
    """
    Return a started read-committed consumer in the group, subscribed to nothing yet.

    It commits nothing by itself: offsets travel in transactions.
    """
    # A lane goes to the first offset by itself, and says why.
    consumer = group_consumer(settings, group, client_id=client_id, from_start=False)
    await start_member(consumer)
    return consumer


def group_consumer(
    settings: KafkaSettings, group: str, *, client_id: str, from_start: bool, assignors: Sequence[Any] | None = None
) -> AIOKafkaConsumer:
    """
    Return a read-committed consumer for the group, to be started by `start_member`.

    With `from_start` it begins at the first offset where nothing is committed, or what was is gone; else that is an
    error. `assignors` say who gets which partition; None: as aiokafka does it.
    """
    return AIOKafkaConsumer(
        **connection(settings),
        group_id=group,
        client_id=client_id,
        isolation_level="read_committed",
        auto_offset_reset="earliest" if from_start else "none",
        enable_auto_commit=False,
        session_timeout_ms=settings.session_timeout_ms,
        heartbeat_interval_ms=settings.session_timeout_ms // HEARTBEATS_PER_SESSION,
        rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
        max_poll_interval_ms=NEVER_MS,
        metadata_max_age_ms=METADATA_AGE_MS,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        max_partition_fetch_bytes=FETCH_PARTITION_BYTES,
        **({"partition_assignment_strategy": assignors} if assignors else {}),
    )


async def start_member(consumer: AIOKafkaConsumer) -> None:
    """Start a consumer of a group; of one that does not start nothing is left."""
    await start(consumer)
    _refuse_failed_offset_fetches(consumer)


def positions(consumer: AIOKafkaConsumer) -> dict[Any, int]:
    """Return the next offset of each partition, as far as it is known; unlike `position` it waits for none."""
    subscription = consumer._subscription.subscription  # noqa: SLF001  # nothing public tells it without waiting
    assignment = subscription and subscription.assignment
    if assignment is None:
        return {}
    states = {partition: assignment.state_value(partition) for partition in assignment.tps}
    return {partition: state.position for partition, state in states.items() if state.has_valid_position}


async def acknowledged(producer: AIOKafkaProducer, records: Iterable[Placed]) -> list[int]:
    """Write records and return their offsets, in order, once every one is acknowledged. Raises KafkaError."""
    sent: list[asyncio.Future[Any]] = []
    try:
        for topic, partition, key, value, headers in records:
            sent.append(await producer.send(topic, value, key=key, partition=partition, headers=list(headers)))
        return [(await future).offset for future in sent]
    finally:
        for future in sent:
            future.add_done_callback(look_at)


def vital_tasks(consumer: AIOKafkaConsumer) -> tuple[asyncio.Task[None] | None, ...]:
    """Return the tasks of a group member that aiokafka never starts again when they end with an error."""
    coordinator, fetcher = consumer._coordinator, consumer._fetcher  # noqa: SLF001  # nothing public tells it
    return coordinator._coordination_task, coordinator._heartbeat_task, fetcher._fetch_task  # noqa: SLF001


def record_of(message: ConsumerRecord[Any, Any]) -> Record:
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp_ms=message.timestamp,
        key=message.key,
        value=message.value,
        headers=tuple(message.headers),
    )


def may_pass(error: Exception) -> bool:
    """Whether a new producer may write what this error refused; not what is too large, or not allowed."""
    return not isinstance(error, KafkaError) or error.retriable or isinstance(error, _OF_THE_PRODUCER)


async def start(consumer: AIOKafkaConsumer) -> None:
    """Start a consumer; of one that does not start nothing is left."""
    try:
        await consumer.start()
    except BaseException:
        await stop(consumer)
        raise


async def stop(started: AIOKafkaConsumer | AIOKafkaProducer, *, within_s: float = STOP_TIMEOUT_S) -> None:
    """Stop a client within a bound and whatever it raises; what it leaves on the broker times out there."""
    stopping = asyncio.ensure_future(started.stop())
    await asyncio.wait({stopping}, timeout=within_s)
    if stopping.done() and not stopping.cancelled() and stopping.exception() is None:
        return
    # It hangs, or met the error of a task of its own: either way its connections are still open.
    stopping.cancel()
    if isinstance(started, AIOKafkaProducer):
        # Or it would go on knocking at the broker's door, with a transaction that nobody waits for.
        if started._sender.sender_task is not None:  # noqa: SLF001
            started._sender.sender_task.cancel()  # noqa: SLF001
        await started.client.close()
    else:
        await started._client.close()  # noqa: SLF001


async def end(task: asyncio.Task[Any]) -> None:
    """
    Cancel a task and return when it has ended, not before, even if the caller is cancelled meanwhile.

    It is cancelled again and again, for a library on its way may swallow one.
    """
    is_cancelled = False
    while not task.done():
        task.cancel()
        try:
            await asyncio.wait({task}, timeout=CANCEL_AGAIN_S)
        except asyncio.CancelledError:
            is_cancelled = True
    if is_cancelled:
        raise asyncio.CancelledError


def look_at(outcome: asyncio.Future[Any]) -> None:
    """Take note of an outcome that no longer matters, so that asyncio does not complain of it."""
    if not outcome.cancelled():
        outcome.exception()


def _refuse_failed_offset_fetches(consumer: AIOKafkaConsumer) -> None:
    """
    Make the consumer raise the top-level error of an OffsetFetch answer.

    aiokafka 0.14 ignores it: a broker that is no longer, or not yet, the group's coordinator answers with an error
    and no offsets, which it takes for «nothing committed», and the whole topic is delivered again.
    """
    coordinator = consumer._coordinator  # noqa: SLF001  # there is no public way in
    send = coordinator._send_req  # noqa: SLF001

    async def send_and_check(request: Any) -> Any:
        response = await send(request)
        if isinstance(request, OffsetFetchRequest) and (code := getattr(response, "error_code", 0)):
            error = for_code(code)
            if error is NotCoordinatorForGroupError:
                coordinator.coordinator_dead()
            raise error
        return response

    coordinator._send_req = send_and_check  # noqa: SLF001
