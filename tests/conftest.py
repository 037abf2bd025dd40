"""What all tests share: one real Kafka per session, and names in it that no other test has."""

import os
import uuid
from collections.abc import AsyncIterator, Iterable

import pytest
import pytest_asyncio

from services.kafka.embedded.broker import EmbeddedKafka, EmbeddedSettings
from services.kafka.embedded.errors import BrokerNotInstalledError

BOOTSTRAP_VARIABLE = "TAGWIRE_TEST_BOOTSTRAP_SERVERS"


@pytest.hookimpl(tryfirst=True)  # before pytest filters by `-m`
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Mark each test that uses the `kafka` fixture, straight or through another, as `broker`."""
    for item in items:
        if "kafka" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.broker)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """
    The bootstrap servers of a real Kafka: those of `TAGWIRE_TEST_BOOTSTRAP_SERVERS`, or an embedded broker's.

    All tests of a session share it, and whoever breaks a broker starts one of their own.
    """
    if given := os.environ.get(BOOTSTRAP_VARIABLE):
        yield given
        return
    broker = EmbeddedKafka(EmbeddedSettings(data_folder=tmp_path_factory.mktemp("broker"), port=0))
    try:
        await broker.start()
    except BrokerNotInstalledError as exc:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"{exc} Or set {BOOTSTRAP_VARIABLE} to a cluster of yours.")
    yield broker.bootstrap_servers
    await broker.stop()


@pytest.fixture
def prefix() -> str:
    """A prefix for topics, groups and transactional ids that no other test has, nor this test the next time."""
    return f"test-{uuid.uuid4().hex[:8]}."
