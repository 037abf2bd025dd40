import asyncio
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from schemas.topics import MAX_RAW_BYTES, MIB
from services.kafka.embedded import folder as broker_folder
from services.kafka.embedded.broker import LOGS, EmbeddedKafka, EmbeddedSettings
from services.kafka.embedded.errors import BrokerError
from services.kafka.embedded.folder import MARKER

OWNER = """
import asyncio, sys
from pathlib import Path
from services.kafka.embedded.broker import EmbeddedSettings, embedded_kafka

async def main():
    async with embedded_kafka(EmbeddedSettings(data_folder=Path(sys.argv[1]), port=0)) as broker:
        print(broker.java_pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def broker(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedKafka]:
    """A broker to be stopped and killed. Each test leaves it running. `kafka` skips where none can be had."""
    broker = EmbeddedKafka(EmbeddedSettings(data_folder=tmp_path_factory.mktemp("own"), port=0))
    await broker.start()
    yield broker
    await broker.stop()


async def test_records_up_to_the_raw_limit_are_accepted_and_read(kafka: str, prefix: str) -> None:
    topic = await create_topic(kafka, prefix, {"max.message.bytes": str(MAX_RAW_BYTES)})
    value = os.urandom(MAX_RAW_BYTES - MIB // 16)  # the rest is the batch's envelope
    await produce(kafka, topic, value)
    assert await consume(kafka, topic) == value


async def test_no_topic_is_created_by_mistake(kafka: str, prefix: str) -> None:
    with pytest.raises(KafkaError):
        await produce(kafka, f"{prefix}mistyped", b"", request_timeout_ms=500)
    async with admin(kafka) as connection:
        assert f"{prefix}mistyped" not in await connection.list_topics()


async def test_a_restart_keeps_the_data_and_leaves_no_process(broker: EmbeddedKafka, prefix: str) -> None:
    topic, address, java_pid = (
        await create_topic(broker.bootstrap_servers, prefix),
        broker.bootstrap_servers,
        pid(broker),
    )
    await produce(address, topic, b"kept")
    watch = asyncio.create_task(broker.died())
    await asyncio.sleep(0)  # the watch begins
    await broker.stop()
    assert await watch is None
    assert not is_running(java_pid)
    assert broker.java_pid is None
    await broker.start()
    assert broker.bootstrap_servers == address
    assert await consume(address, topic) == b"kept"


@pytest.mark.parametrize("victim", ["java", "leash"])
async def test_a_broker_that_is_killed_is_noticed_and_starts_again(
    broker: EmbeddedKafka, prefix: str, victim: str
) -> None:
    topic, java_pid = await create_topic(broker.bootstrap_servers, prefix), pid(broker)
    await produce(broker.bootstrap_servers, topic, b"acknowledged")
    assert broker._process is not None
    os.kill(java_pid if victim == "java" else broker._process.pid, signal.SIGKILL)
    error = await asyncio.wait_for(broker.died(), 5)
    assert "has ended by itself" in str(error)
    await until(lambda: not is_running(java_pid))
    await broker.start()
    assert await consume(broker.bootstrap_servers, topic) == b"acknowledged"


async def test_a_second_broker_on_the_same_folder_is_told_of_the_first(broker: EmbeddedKafka) -> None:
    second = EmbeddedKafka(EmbeddedSettings(data_folder=broker.data_folder, port=0))
    with pytest.raises(BrokerError, match=f"process {os.getpid()} at {broker.bootstrap_servers}"):
        await second.start()
    await second.stop()
    assert is_running(pid(broker))


async def test_a_busy_port_is_told_with_its_owner(kafka: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(BrokerError, match=rf"Port {port} on 127.0.0.1 is taken.*TAGWIRE_BROKER_PORT") as caught:
            await EmbeddedKafka(EmbeddedSettings(data_folder=tmp_path, port=port)).start()
    if sys.platform == "linux":
        assert f"(process {os.getpid()})" in str(caught.value)


async def test_a_foreign_folder_is_left_as_it_is(kafka: str, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(BrokerError, match=r"files that are not a tagwire broker's \(thesis.tex\)"):
        await EmbeddedKafka(EmbeddedSettings(data_folder=tmp_path, port=0)).start()
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
    assert not (tmp_path / MARKER).exists()


async def test_a_folder_that_cannot_be_written_is_named(kafka: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BrokerError, match=r"file/data cannot be written \(Not a directory\)"):
        await EmbeddedKafka(EmbeddedSettings(data_folder=tmp_path / "file" / "data", port=0)).start()


async def test_a_kafka_that_dies_at_its_start_is_quoted(kafka: str, tmp_path: Path) -> None:
    broker = EmbeddedKafka(EmbeddedSettings(data_folder=tmp_path, port=0))
    broker_folder.write_marker(tmp_path, broker_folder.new_cluster_id())
    (tmp_path / LOGS).mkdir()
    (tmp_path / LOGS / "meta.properties").write_text("version=99\n")
    with pytest.raises(BrokerError, match=r"(?s)ended while it started.*its log is .*broker\.log.*99"):
        await broker.start()


async def test_a_start_that_takes_too_long_leaves_nothing(kafka: str, tmp_path: Path) -> None:
    broker = EmbeddedKafka(EmbeddedSettings(data_folder=tmp_path, port=0, start_timeout_s=0.3))
    with pytest.raises(BrokerError, match=r"did not answer within 0\.3 s"):
        await broker.start()
    assert broker.java_pid is None
    assert java_processes(tmp_path) == []


async def test_a_killed_owner_takes_kafka_with_it(kafka: str, tmp_path: Path) -> None:
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", OWNER, str(tmp_path), stdout=PIPE)
    assert owner.stdout is not None
    java_pid = int(await owner.stdout.readline())
    assert is_running(java_pid)
    owner.kill()
    await owner.wait()
    # The lock is Kafka's too: it is free only when Kafka is gone.
    lock = await broker_folder.claim(tmp_path, broker_folder.Owner(pid=os.getpid(), address=""))
    broker_folder.release(lock)
    await until(lambda: not is_running(java_pid))


async def create_topic(bootstrap_servers: str, prefix: str, configs: dict[str, str] | None = None) -> str:
    async with admin(bootstrap_servers) as connection:
        await connection.create_topics([NewTopic(f"{prefix}topic", 1, 1, topic_configs=configs or {})])
    return f"{prefix}topic"


@asynccontextmanager
async def admin(bootstrap_servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    connection = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await connection.start()
    yield connection
    await connection.close()


async def produce(bootstrap_servers: str, topic: str, value: bytes, request_timeout_ms: int = 10_000) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers, max_request_size=MAX_RAW_BYTES, request_timeout_ms=request_timeout_ms
    )
    async with producer:
        await producer.send_and_wait(topic, value)


async def consume(bootstrap_servers: str, topic: str) -> bytes | None:
    """Return the first record's value."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    async with consumer:
        consumer.assign([TopicPartition(topic, 0)])
        value: bytes | None = (await asyncio.wait_for(consumer.getone(), 10)).value
        return value


def pid(broker: EmbeddedKafka) -> int:
    assert broker.java_pid is not None
    return broker.java_pid


def is_running(process: int) -> bool:
    """Say whether the process lives; one that has ended and waits to be collected does not."""
    try:
        return (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def java_processes(folder: Path) -> list[int]:
    """Return the processes that work in this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                found.append(int(process.name))
        except OSError:
            continue
    return found


async def until(condition: Callable[[], bool], timeout_s: float = 5) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        await asyncio.sleep(0.02)
