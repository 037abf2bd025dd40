import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.kafka.embedded.errors import BrokerError
from services.kafka.embedded.folder import (
    FORMAT,
    LOCK,
    MARKER,
    Marker,
    Owner,
    claim,
    new_cluster_id,
    open_marker,
    release,
)
from services.kafka.embedded.jars import KAFKA_VERSION

OWNER = Owner(pid=os.getpid(), address="127.0.0.1:9092")


@pytest.mark.parametrize(("written", "message"), [
    pytest.param({"kafka": "5.0.0"}, "newer tagwire", id="newer Kafka"),
    pytest.param({"format": FORMAT + 1}, "newer tagwire", id="newer layout"),
    pytest.param({"kafka": "3.9.1"}, "too old", id="Kafka from before KRaft alone"),
    pytest.param({"format": 0}, "too old", id="older layout"),
    pytest.param({"kafka": "four"}, "cannot be read", id="no version"),
    pytest.param({"cluster_id": None}, "cannot be read", id="no cluster"),
])  # fmt: skip
def test_a_folder_that_this_kafka_cannot_use_is_refused(
    tmp_path: Path, written: dict[str, object], message: str
) -> None:
    marker = Marker(format=FORMAT, kafka=KAFKA_VERSION, cluster_id="AAAA")
    text = marker.model_copy(update=written).model_dump_json(warnings=False)
    (tmp_path / MARKER).write_text(text)
    with pytest.raises(BrokerError, match=message):
        open_marker(tmp_path)
    assert (tmp_path / MARKER).read_text() == text


def test_a_folder_of_an_older_kafka_becomes_this_ones(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_text('{"format": 1, "kafka": "4.1.0", "cluster_id": "AAAA"}')
    assert open_marker(tmp_path) == Marker(format=1, kafka=KAFKA_VERSION, cluster_id="AAAA")
    assert Marker.model_validate_json((tmp_path / MARKER).read_text()).kafka == KAFKA_VERSION


async def test_a_folder_is_claimed_by_one_at_a_time(tmp_path: Path) -> None:
    lock = await claim(tmp_path / "new", OWNER)
    with pytest.raises(BrokerError, match=rf"process {os.getpid()} at 127.0.0.1:9092.* uses {tmp_path}"):
        await claim(tmp_path / "new", OWNER)
    release(lock)
    release(await claim(tmp_path / "new", OWNER))


async def test_a_child_that_holds_on_to_the_lock_does_not_keep_the_folder(tmp_path: Path) -> None:
    lock = await claim(tmp_path, OWNER)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock,)):  # noqa: ASYNC220
        release(lock)
        release(await claim(tmp_path, OWNER))


async def test_a_fresh_volume_may_be_claimed(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    release(await claim(tmp_path, OWNER))


async def test_a_foreign_folder_gets_no_lock(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(BrokerError, match=r"thesis\.tex"):
        await claim(tmp_path, OWNER)
    assert not (tmp_path / LOCK).exists()


def test_cluster_ids_are_as_kafka_wants_them() -> None:
    ids = {new_cluster_id() for _ in range(100)}
    assert len(ids) == 100
    assert {len(one) for one in ids} == {22}
    assert not any(one.startswith("-") for one in ids)
