"""A Docker engine, Kafka in a container, and tagwire's own image: pulled or built, or named by the environment."""

import asyncio
import gc
import os
import shutil
import socket
import subprocess
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final, Never

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from docker.errors import DockerException  # type: ignore[import-untyped]  # it ships no types
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient
from testcontainers.core.image import DockerImage
from testcontainers.core.network import Network

ROOT: Final = Path(__file__).parents[2]
OFFICIAL_KAFKA: Final = "apache/kafka:4.1.0"
INSIDE: Final = "kafka:9092"
"""Where containers find the broker; others find it at a port of this machine."""
KAFKA_UP_WITHIN_S: Final = 60


def absent(what: str, remedy: str) -> Never:
    """Skip for a user who lacks something, and fail in CI, where nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}; CI must have it", pytrace=False)
    pytest.skip(f"{what}; {remedy}")


@pytest.fixture(scope="session")
def engine() -> None:
    """Go no further when no Docker engine answers."""
    if problem := engine_problem():
        absent(
            f"no Docker engine answers ({problem})",
            "install and start Docker Engine or Docker Desktop, or set DOCKER_HOST to an engine that runs",
        )


def engine_problem() -> str | None:
    """Return why the Docker engine cannot be used; None when it can."""
    problem = None
    try:
        client = DockerClient().client
        client.ping()
        client.close()
    except DockerException as error:
        problem = str(error)
    # docker-py does not close a socket that did not connect, and a warning would fail the run.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    return problem


@pytest.fixture(scope="session")
def network(engine: None) -> Iterator[Network]:
    with Network() as network:
        yield network


@pytest.fixture(scope="session")
async def kafka(network: Network) -> AsyncIterator[str]:
    """Yield the `host:port`, for this process, of a Kafka in a container: one node, no topics."""
    # Kafka tells its clients where to find it, so its port on this machine must be known before it starts.
    port = free_port()
    image = os.environ.get("TAGWIRE_TEST_KAFKA_IMAGE", OFFICIAL_KAFKA)
    container = (
        DockerContainer(image)
        .with_network(network)
        .with_network_aliases("kafka")
        .with_bind_ports(port, port)
        .with_envs(
            KAFKA_NODE_ID="1",
            KAFKA_PROCESS_ROLES="broker,controller",
            KAFKA_CONTROLLER_QUORUM_VOTERS="1@localhost:9093",
            KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
            KAFKA_LISTENERS=f"INSIDE://:9092,CONTROLLER://:9093,OUTSIDE://:{port}",
            KAFKA_ADVERTISED_LISTENERS=f"INSIDE://{INSIDE},OUTSIDE://127.0.0.1:{port}",
            KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
            KAFKA_INTER_BROKER_LISTENER_NAME="INSIDE",
            KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
            KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR="1",
            KAFKA_TRANSACTION_STATE_LOG_MIN_ISR="1",
            KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS="0",
            KAFKA_AUTO_CREATE_TOPICS_ENABLE="false",
        )
    )
    try:
        try:
            container.start()
        except DockerException as error:
            absent(
                f"{image} does not start ({error})",
                "it is pulled from a registry when there is a network; TAGWIRE_TEST_KAFKA_IMAGE may name another",
            )
        bootstrap = f"127.0.0.1:{port}"
        await answers(bootstrap, container)
        yield bootstrap
    finally:
        container.stop()


async def answers(bootstrap: str, container: DockerContainer) -> None:
    """Return when the broker answers; raise with its output when it does not in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + KAFKA_UP_WITHIN_S
    while True:
        client = AIOKafkaClient(bootstrap_servers=bootstrap)
        try:
            await client.bootstrap()
        except KafkaError:
            if loop.time() > deadline:
                message = f"Kafka did not answer at {bootstrap} within {KAFKA_UP_WITHIN_S} s"
                raise TimeoutError(message, *container.get_logs()) from None
            await asyncio.sleep(0.2)
        else:
            return
        finally:
            await client.close()


@pytest.fixture(scope="session")
def tagwire_image(engine: None) -> str:
    """Return the name of tagwire's image: TAGWIRE_TEST_IMAGE, or one built from deploy/Dockerfile."""
    if name := os.environ.get("TAGWIRE_TEST_IMAGE"):
        return name
    # It is kept, so that the next run finds its layers.
    image = DockerImage(path=ROOT, dockerfile_path="deploy/Dockerfile", tag="tagwire:test", clean_up=False)
    try:
        with image:
            return str(image)
    except DockerException as error:
        absent(
            f"deploy/Dockerfile does not build ({error})",
            "it needs a network for its base and the libraries; TAGWIRE_TEST_IMAGE may name an image that is here",
        )


@pytest.fixture(scope="session")
def tagwire(network: Network, kafka: str, tagwire_image: str) -> Callable[..., DockerContainer]:
    """Return a maker of containers, not yet started, that run a tagwire command beside the broker."""

    def make(*command: str) -> DockerContainer:
        return (
            DockerContainer(tagwire_image)
            .with_network(network)
            .with_env("TAGWIRE_KAFKA_BOOTSTRAP_SERVERS", INSIDE)
            .with_command(list(command))
        )

    return make


@pytest.fixture(scope="session")
def compose(engine: None) -> list[str]:
    """Return the words that begin a Docker Compose command: of the plugin, or of the older program."""
    for words in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(words[0]):
            answer = subprocess.run([*words, "version"], capture_output=True, check=False)
            if answer.returncode == 0:
                return words
    absent("there is no Docker Compose", "install the docker-compose-plugin of your Docker, or docker-compose")


@pytest.fixture(scope="session")
def compose_environment(kafka: str, tagwire_image: str) -> dict[str, str]:
    """Return what deploy/compose.yaml reads from the environment. The `kafka` fixture has made sure of its image."""
    kafka_image = os.environ.get("TAGWIRE_TEST_KAFKA_IMAGE", OFFICIAL_KAFKA)
    ports = {name: str(free_port()) for name in ("KAFKA_PORT", "MONITOR_PORT")}
    return {**os.environ, "KAFKA_IMAGE": kafka_image, "TAGWIRE_IMAGE": tagwire_image, **ports}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
