"""The embedded broker's data folder: whose it is, who uses it now, and which Kafka has written it."""

import asyncio
import base64
import fcntl
import os
import time
import uuid
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from services.kafka.embedded.errors import BrokerError
from services.kafka.embedded.jars import KAFKA_VERSION

FORMAT: Final = 1
"""Rises when this version cannot use what the one before has laid down."""
OLDEST_KAFKA: Final = (4, 0)
"""Kafka 4 reads no log that was written under ZooKeeper's reign."""

MARKER: Final = "tagwire-broker.json"
LOCK: Final = "lock"
OWNER_ENDS_S: Final = 15.0
"""A killed owner's Kafka shuts down by itself within this."""


class Marker(BaseModel):
    """Says that the folder is ours, and who has written it last."""

    model_config = ConfigDict(frozen=True)

    format: int
    kafka: str
    cluster_id: str


class Owner(BaseModel):
    """Who holds the lock, as it says itself."""

    model_config = ConfigDict(frozen=True)

    pid: int
    address: str


async def claim(folder: Path, owner: Owner) -> int:
    """
    Take the folder for this process and return its lock: a file descriptor for `release`, and for children to inherit.

    Creates the folder. Raises `BrokerError` when it is not ours, in use, or cannot be written.
    """
    lock = open_lock(folder)
    try:
        await wait_for(lock, folder)
        os.ftruncate(lock, 0)
        os.pwrite(lock, owner.model_dump_json().encode(), 0)
    except BaseException:
        os.close(lock)
        raise
    return lock


def open_lock(folder: Path) -> int:
    """Open the lock file, not yet locked, in a folder that is ours or may become it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        require_ours(folder)
        return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as exc:
        raise BrokerError(
            f"The data folder {folder} cannot be written ({exc.strerror}): set TAGWIRE_BROKER_DATA_FOLDER to another."
        ) from exc


def release(lock: int) -> None:
    """Give the folder free, also when a child that was forked meanwhile still has the descriptor."""
    fcntl.flock(lock, fcntl.LOCK_UN)
    os.close(lock)


def open_marker(folder: Path) -> Marker:
    """Return the marker of a claimed folder, a new one if it has none, or say why this Kafka must not touch it."""
    path = folder / MARKER
    try:
        marker = Marker.model_validate_json(path.read_bytes())
        written_by = minor(marker.kafka)
    except FileNotFoundError:
        return write_marker(folder, new_cluster_id())
    except (ValidationError, ValueError) as exc:
        raise BrokerError(f"{path} cannot be read: put it back from a copy, or choose another data folder.") from exc
    if marker.format > FORMAT or written_by > minor(KAFKA_VERSION):
        raise BrokerError(
            f"The data folder {folder} was written by a newer tagwire (Kafka {marker.kafka}, this one has "
            f"{KAFKA_VERSION}): use that tagwire, or set TAGWIRE_BROKER_DATA_FOLDER to another folder."
        )
    if marker.format < FORMAT or written_by < OLDEST_KAFKA:
        raise BrokerError(
            f"The data folder {folder} was written by a tagwire too old for this one (Kafka {marker.kafka}): "
            "read it out with that one, then move the folder away."
        )
    return write_marker(folder, marker.cluster_id) if marker.kafka != KAFKA_VERSION else marker


def write_marker(folder: Path, cluster_id: str) -> Marker:
    """Make the folder ours, and this Kafka's. A reader sees the old marker or the new one, never half of one."""
    marker = Marker(format=FORMAT, kafka=KAFKA_VERSION, cluster_id=cluster_id)
    part = folder / f"{MARKER}.part"
    part.write_text(marker.model_dump_json() + "\n")
    part.replace(folder / MARKER)
    return marker


def require_ours(folder: Path) -> None:
    """Raise `BrokerError` for a folder that holds something and bears no mark of ours."""
    names = {entry.name for entry in folder.iterdir()} - {
        LOCK,
        f"{MARKER}.part",
        "lost+found",
    }  # a fresh volume has the last
    if names and MARKER not in names:
        raise BrokerError(
            f"{folder} holds files that are not a tagwire broker's ({min(names)}), so nothing was touched: "
            "set TAGWIRE_BROKER_DATA_FOLDER to a new or empty folder."
        )


async def wait_for(lock: int, folder: Path) -> None:
    """Take the lock, with patience only for a Kafka whose owner has been killed and which is shutting down."""
    deadline = time.monotonic() + OWNER_ENDS_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = read_owner(lock)
            if (owner is None or is_alive(owner.pid)) or time.monotonic() > deadline:
                who = f"process {owner.pid} at {owner.address}" if owner else "a process that is starting"
                raise BrokerError(
                    f"Another tagwire broker ({who}) uses {folder}: use that one, end it, "
                    "or set TAGWIRE_BROKER_DATA_FOLDER and TAGWIRE_BROKER_PORT for a second."
                ) from None
            await asyncio.sleep(0.1)
        else:
            return


def read_owner(lock: int) -> Owner | None:
    """Return who holds the lock; None when it has not yet said so."""
    try:
        return Owner.model_validate_json(os.pread(lock, 1000, 0))
    except ValidationError:
        return None


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    return True


def minor(version: str) -> tuple[int, int]:
    """Return `(4, 4)` of `4.4.0`: what Kafka's formats go by."""
    major, minor_, *_ = version.split(".")
    return int(major), int(minor_)


def new_cluster_id() -> str:
    """Return an id as Kafka makes them: 16 random bytes in base64 for URLs, 22 characters, no leading hyphen."""
    return base64.urlsafe_b64encode(b"\x00" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
