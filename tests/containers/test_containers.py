"""The journey with every process in a container: Kafka, and tagwire's own image as its users run it."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from testcontainers.core.container import DockerContainer

from schemas import topics
from schemas.documents import ClassifiedDocument, RawDocument
from tests.brokers import until

pytestmark = pytest.mark.containers

Tagwire = Callable[..., DockerContainer]

ROOT: Final = Path(__file__).parents[2]
ARTICLE: Final = ROOT / "seeds" / "000_2da34e0ed95bd839.txt"
COMPOSE_FILE: Final = ROOT / "deploy" / "compose.yaml"
CLASSIFIED_WITHIN_S: Final = 60
STOPPED_WITHIN_S: Final = 10
"""Docker's own patience, after which it kills."""


@pytest.fixture(scope="module")
def created_topics(tagwire: Tagwire) -> None:
    run_to_its_end(tagwire("topics", "create"))


@pytest.fixture
def worker(tagwire: Tagwire, created_topics: None) -> Iterator[DockerContainer]:
    """Yield a running worker that may write nowhere but to /tmp, as a careful operator runs it."""
    with tagwire("worker").with_kwargs(read_only=True).with_tmpfs_mount("/tmp") as container:
        yield container


async def test_kafka_in_a_container_takes_transactions(kafka: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic("letters", num_partitions=1, replication_factor=1)])
    await admin.close()

    async with AIOKafkaProducer(bootstrap_servers=kafka, transactional_id="writer") as producer:
        async with producer.transaction():
            await producer.send_and_wait("letters", b"committed")
        await producer.begin_transaction()
        await producer.send_and_wait("letters", b"aborted")
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait("letters", b"committed too")

    assert await values(kafka, "letters", count=2) == [b"committed", b"committed too"]


async def test_a_published_document_comes_out_classified(kafka: str, tagwire: Tagwire, worker: DockerContainer) -> None:
    publish = tagwire("publish", "/tmp/article.txt").with_copy_into_container(ARTICLE, "/tmp/article.txt")
    await asyncio.to_thread(run_to_its_end, publish)

    (value,) = await values(kafka, topics.CLASSIFIED.name, count=1)

    document = ClassifiedDocument.model_validate_json(value)
    assert document.title == "Gen. Dunford wants 'decisive military action' against ISIS in Libya"
    assert {"libya", "counterterrorism"} <= {tag.id for tag in document.tags}


async def test_a_worker_stops_cleanly_when_docker_asks(worker: DockerContainer) -> None:
    await asyncio.to_thread(wait_for_output, worker, "worker_started")

    began = time.monotonic()
    await asyncio.to_thread(worker.get_wrapped_container().stop, timeout=2 * STOPPED_WITHIN_S)

    assert worker.wait() == 0, output(worker)
    assert time.monotonic() - began < STOPPED_WITHIN_S


def test_the_image_does_not_run_as_root(worker: DockerContainer) -> None:
    assert worker.exec(["id", "--user"]).output.strip() == b"10001"


async def test_compose_up_is_a_whole_installation(compose: list[str], compose_environment: dict[str, str]) -> None:
    bootstrap = f"127.0.0.1:{compose_environment['KAFKA_PORT']}"
    document = RawDocument(id="one", source="test", body=ARTICLE.read_text())

    async def run(*words: str) -> tuple[int, str]:
        command = [*compose, "--project-name", "tagwire-test", "--file", str(COMPOSE_FILE), *words]
        done = await asyncio.to_thread(
            subprocess.run, command, env=compose_environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    try:
        code, said = await run("up", "--detach", "--no-build")
        assert code == 0, said + (await run("logs", "topics", "worker"))[1]
        async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
            await producer.send_and_wait(topics.RAW.name, document.model_dump_json().encode(), key=b"one")
        (value,) = await values(bootstrap, topics.CLASSIFIED.name, count=1)
        await until(lambda: is_well(compose_environment["MONITOR_PORT"]), within_s=CLASSIFIED_WITHIN_S)
    finally:
        await run("down", "--volumes")

    assert ClassifiedDocument.model_validate_json(value).id == "one"


async def is_well(port: str) -> bool:
    """Whether the monitor says that the worker has nothing left to do."""
    try:
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/api/v1/overview") as answer:
            told = await answer.json()
    except aiohttp.ClientError:
        return False
    return answer.status == 200 and bool(told["is_well"]) and told["groups"][0]["status"] == "OK"


async def values(bootstrap: str, topic: str, *, count: int) -> list[bytes]:
    """Return the first committed values of a topic; raise TimeoutError when they do not come."""
    found: list[bytes] = []
    async with (
        asyncio.timeout(CLASSIFIED_WITHIN_S),
        AIOKafkaConsumer(
            topic, bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
        ) as consumer,
    ):
        async for record in consumer:
            found.append(record.value)
            if len(found) == count:
                break
    return found


def run_to_its_end(container: DockerContainer) -> None:
    with container:
        assert container.wait() == 0, output(container)


def wait_for_output(container: DockerContainer, sign: str) -> None:
    deadline = time.monotonic() + CLASSIFIED_WITHIN_S
    while sign not in output(container):
        container.reload()
        assert container.status in {"created", "running"}, output(container)
        assert time.monotonic() < deadline, output(container)
        time.sleep(0.1)


def output(container: DockerContainer) -> str:
    return b"".join(container.get_logs()).decode()
