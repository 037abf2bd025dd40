import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.kafka.embedded import jars
from services.kafka.embedded.broker import EmbeddedSettings
from services.kafka.embedded.errors import BrokerError, BrokerNotInstalledError
from services.kafka.embedded.jars import KAFKA_VERSION, class_path, read_lock, sha256

Reports = list[str]

FETCH = """
import sys
from pathlib import Path
from services.kafka.embedded.jars import class_path
print(len(class_path(Path(sys.argv[1]), lambda text: None)))
"""


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `resolve` finds files, in the place of Maven; its two jars are a.jar and b.jar."""
    folder = tmp_path / "upstream"
    folder.mkdir()
    (folder / "a.jar").write_bytes(b"first jar")
    (folder / "b.jar").write_bytes(b"second jar")

    def resolve(scratch: Path, report: jars.Report, *, use_local: bool) -> list[SimpleNamespace]:
        report("resolving")
        return [SimpleNamespace(filename=path.name, resolve=lambda path=path: path) for path in folder.iterdir()]

    monkeypatch.setattr(jars, "resolve", resolve)
    return folder


def locked(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path) or "" for path in folder.iterdir()}


def test_a_second_start_fetches_nothing(upstream: Path, tmp_path: Path) -> None:
    cache, lock, reports = tmp_path / "cache", locked(upstream), Reports()
    first = class_path(cache, reports.append, lock)
    assert reports
    reports.clear()
    assert class_path(cache, reports.append, lock) == first
    assert not reports


@pytest.mark.parametrize("damage", [
    pytest.param(lambda jar: jar.write_bytes(b"first"), id="truncated"),
    pytest.param(lambda jar: jar.write_bytes(b""), id="empty"),
    pytest.param(lambda jar: jar.unlink(), id="gone"),
])  # fmt: skip
def test_a_damaged_file_is_fetched_anew(damage: object, upstream: Path, tmp_path: Path) -> None:
    cache, lock = tmp_path / "cache", locked(upstream)
    paths = class_path(cache, Reports().append, lock)
    assert callable(damage)
    damage(cache / f"kafka-{KAFKA_VERSION}" / "a.jar")
    assert class_path(cache, Reports().append, lock) == paths
    assert {path.name: sha256(path) for path in paths} == lock
    assert not [path for path in cache.iterdir() if path.name == "fetching"]


def test_a_damaged_file_in_mavens_own_folder_does_no_harm(
    upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, resolve, damaged = locked(upstream), jars.resolve, tmp_path / "cut-short"
    damaged.write_bytes(b"sec")

    def resolve_from_maven(scratch: Path, report: jars.Report, *, use_local: bool) -> list[SimpleNamespace]:
        if not use_local:
            return resolve(scratch, report, use_local=False)  # type: ignore[return-value]
        return [SimpleNamespace(filename="b.jar", resolve=lambda: damaged)]

    monkeypatch.setattr(jars, "resolve", resolve_from_maven)
    paths = class_path(tmp_path / "cache", Reports().append, lock)
    assert {path.name: sha256(path) for path in paths} == lock


def test_a_process_waits_for_another_that_fetches(upstream: Path, tmp_path: Path) -> None:
    said = threading.Event()
    cache, lock = tmp_path / "cache", locked(upstream)
    cache.mkdir()
    with ThreadPoolExecutor() as threads:
        with jars.one_process_at_a_time(cache / "lock", Reports().append):
            waiting = threads.submit(class_path, cache, lambda text: said.set() if "waiting" in text else None, lock)
            assert said.wait(5)
            assert not waiting.done()
        assert len(waiting.result(5)) == len(lock)


def test_a_file_that_stays_wrong_is_named_and_kept_out(upstream: Path, tmp_path: Path) -> None:
    cache, lock = tmp_path / "cache", locked(upstream)
    (upstream / "b.jar").write_bytes(b"not what was locked")
    with pytest.raises(BrokerError, match=rf"b\.jar is not the file .*delete {cache}"):
        class_path(cache, Reports().append, lock)
    assert [path.name for path in (cache / f"kafka-{KAFKA_VERSION}").iterdir()] == ["a.jar"]


def test_a_cache_that_cannot_be_written_is_named(upstream: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BrokerError, match="cannot be used: Not a directory"):
        class_path(tmp_path / "file", Reports().append, locked(upstream))


def test_without_the_extra_the_way_to_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    with pytest.raises(BrokerNotInstalledError, match=r"pip install 'tagwire\[embedded\]'"):
        class_path(tmp_path, Reports().append)


def test_without_a_network_one_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("M2_REPO", str(tmp_path / "empty"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nobody listens
    with pytest.raises(BrokerNotInstalledError, match="the network does not answer"):
        class_path(tmp_path / "cache", Reports().append)


def test_the_lock_holds_names_and_digests_only() -> None:
    lock = read_lock()
    assert f"kafka_2.13-{KAFKA_VERSION}.jar" in lock
    assert f"kafka-clients-{KAFKA_VERSION}.jar" in lock
    assert all(len(digest) == 64 and int(digest, 16) for digest in lock.values())
    assert json.loads(jars.LOCK_FILE.read_text()).keys() == {"kafka", "files"}


@pytest.mark.broker
def test_two_processes_repair_one_cache_at_once(tmp_path: Path, installed: Sequence[Path]) -> None:
    folder = tmp_path / f"kafka-{KAFKA_VERSION}"
    folder.mkdir()
    for path in installed[2:]:  # two are missing
        (folder / path.name).hardlink_to(path) if path is not installed[2] else (folder / path.name).write_bytes(b"PK")
    command = [sys.executable, "-c", FETCH, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=120)[0].strip() for process in processes] == [str(len(installed))] * 2
    assert {path.name: sha256(path) for path in folder.iterdir()} == read_lock()


@pytest.fixture
def installed(kafka: str) -> list[Path]:
    """The jars of the shared cache, which the session's broker has filled."""
    return class_path(EmbeddedSettings().cache_folder.expanduser(), Reports().append)
