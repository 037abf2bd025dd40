"""A cluster of three embedded brokers: every topic in three copies, two of which must have a record."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient

from services.kafka.embedded import folder as broker_folder
from services.kafka.embedded.broker import EmbeddedKafka, EmbeddedSettings
from services.kafka.embedded.ports import LOOPBACK, free_port

NODES: Final = (1, 2, 3)
START_TIMEOUT_S: Final = 180.0


class Node(EmbeddedKafka):
    """One of three: what differs from a single broker is written behind its properties, and the last word counts."""

    def __init__(self, number: int, folder: Path, controllers: dict[int, int]) -> None:
        settings = EmbeddedSettings(data_folder=folder, port=0, heap_mb=256, start_timeout_s=START_TIMEOUT_S)
        super().__init__(settings, report=lambda _: None)
        self.number = number
        self._controllers = controllers

    def _lay_out(self) -> None:
        super()._lay_out()
        voters = ",".join(f"{number}@{LOOPBACK}:{port}" for number, port in self._controllers.items())
        own = f"{LOOPBACK}:{self._controllers[self.number]}"
        changed = {
            "node.id": self.number,
            "controller.quorum.voters": voters,
            "listeners": f"PLAINTEXT://{self.bootstrap_servers},CONTROLLER://{own}",
            "min.insync.replicas": 2,
            "offsets.topic.replication.factor": 3,
            "transaction.state.log.replication.factor": 3,
            "transaction.state.log.min.isr": 2,
        }
        for name in ("server.properties", "format.properties"):
            with (self.data_folder / name).open("a") as properties:
                properties.writelines(f"{key}={value}\n" for key, value in changed.items())


class Cluster:
    def __init__(self, nodes: dict[int, Node]) -> None:
        self.nodes = nodes
        self.bootstrap_servers = ",".join(node.bootstrap_servers for node in nodes.values())

    async def leader(self, topic: str, partition: int) -> Node:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        await admin.start()
        try:
            (described,) = await admin.describe_topics([topic])
        finally:
            await admin.close()
        (leader,) = [each["leader"] for each in described["partitions"] if each["partition"] == partition]
        return self.nodes[leader]

    async def are_in_sync(self, topic: str) -> bool:
        """Whether every partition has all of its copies again."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        await admin.start()
        try:
            (described,) = await admin.describe_topics([topic])
        finally:
            await admin.close()
        return all(len(each["isr"]) == len(NODES) for each in described["partitions"])


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[Cluster]:
    """Give three brokers that answer, each broker and controller."""
    controllers = {number: free_port() for number in NODES}
    nodes = {number: Node(number, folder / f"node-{number}", controllers) for number in NODES}
    cluster_id = broker_folder.new_cluster_id()
    for node in nodes.values():
        node.data_folder.mkdir(parents=True)
        broker_folder.write_marker(node.data_folder, cluster_id)
    try:
        await asyncio.gather(*(node.start() for node in nodes.values()))
        yield Cluster(nodes)
    finally:
        await asyncio.gather(*(node.stop() for node in nodes.values()))


async def kill(broker: EmbeddedKafka) -> None:
    """Kill Java, and return when it is gone."""
    assert broker.java_pid is not None
    os.kill(broker.java_pid, signal.SIGKILL)
    assert await broker.died() is not None
