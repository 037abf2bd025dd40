"""`tagwire demo`: the whole journey on the seeds, each result held against what a careful editor expects."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from schemas import headers
from schemas.dead_letters import Reason
from schemas.documents import ClassifiedDocument
from schemas.topics import CLASSIFIED, DEAD_LETTER, RAW
from services.core.printable import plain
from services.core.rejections import Rejected
from services.feed.publish import publish
from services.feed.sources import SUFFIXES, Refusal, Sourced, read_file
from services.kafka import codec
from services.kafka.reader import follow
from services.kafka.records import Record, header
from services.kafka.settings import KafkaSettings
from services.local.expectations import Expectation, load_expectation, mismatches
from services.monitor.lag_table import lag_table
from services.monitor.settings import MonitorSettings
from services.monitor.watch import Watch
from services.subscriber.render import dead_letter_lines, document_lines, rejection_lines
from services.worker.flow import JOURNEY
from services.worker.worker import group_name

ALL_ARRIVED_S: Final = 60.0
DRAINED_S: Final = 20.0
POLL_S: Final = 0.2
TOOK_WIDTH: Final = 9


class DemoError(Exception):
    """The demo cannot run; the message says what is missing."""


@dataclass(slots=True)
class Verdicts:
    """Which seeds came out as expected, by name."""

    right: list[str] = field(default_factory=list)
    wrong: dict[str, list[str]] = field(default_factory=dict)
    """Name -> what is not as expected, a sentence each."""

    def note(self, name: str, complaints: list[str]) -> None:
        if complaints:
            self.wrong[name] = complaints
        else:
            self.right.append(name)


@dataclass(frozen=True, slots=True)
class Seed:
    name: str
    sourced: Sourced | Refusal
    expectation: Expectation


def load_seeds(folder: Path) -> dict[str, Seed]:
    """Return document id -> seed, for each file with an expectation beside it. Raises DemoError when there is none."""
    seeds: dict[str, Seed] = {}
    for file in sorted(folder.glob("*")):
        if file.suffix.lower() in SUFFIXES and (expectation := load_expectation(file)):
            for sourced in read_file(file, folder, source="seeds"):
                seeds[_id(sourced)] = Seed(file.name, sourced, expectation)
    if not seeds:
        raise DemoError(f"{folder}: no seeds with expected results; name their folder with --seeds")
    return seeds


async def demo(kafka: KafkaSettings, seeds: Mapping[str, Seed], console: Console) -> bool:
    """Publish the seeds, show each result as it comes, then the lag; return whether all was as expected."""
    verdicts = Verdicts()
    console.print(f"\nPublishing {len(seeds)} documents to documents.raw\n")

    def on_refusal(refusal: Refusal) -> None:
        seed = seeds[refusal.id]
        for line in rejection_lines(refusal.id, refusal.reason, refusal.message, note=f"{'refused':>{TOOK_WIDTH}}"):
            console.print(line, overflow="ellipsis", no_wrap=True)
        verdicts.note(seed.name, _rejection_complaints(seed.expectation, refusal.reason))

    summary = await publish(kafka, [seed.sourced for seed in seeds.values()], on_refusal=on_refusal)
    waiting = set(summary.ids)
    started = time.monotonic()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ALL_ARRIVED_S):
            arrivals = follow(kafka, CLASSIFIED, DEAD_LETTER, from_start=True, client_id="tagwire-demo")
            async with aclosing(arrivals) as records:
                async for record in records:
                    key = (record.key or b"").decode()
                    if key in waiting:
                        waiting.remove(key)
                        seed = seeds[key]
                        is_dead = record.topic == kafka.topic(DEAD_LETTER)
                        verdicts.note(seed.name, _show(record, seed, console, is_dead=is_dead))
                    if not waiting:
                        break
    for key in waiting:
        verdicts.note(seeds[key].name, [f"nothing came of it within {ALL_ARRIVED_S:g} s"])
    is_drained = await _show_lag(kafka, console)
    _show_verdicts(verdicts, time.monotonic() - started, console)
    return is_drained and not verdicts.wrong


def _show(record: Record, seed: Seed, console: Console, *, is_dead: bool) -> list[str]:
    """Print what became of a seed and return what is not as expected."""
    if is_dead:
        sent_ms = int(header(record.headers, headers.DLT_TIMESTAMP) or record.timestamp_ms)
        lines = dead_letter_lines(record, note=_took(sent_ms))
        reason = header(record.headers, headers.DLQ_REASON)
        complaints = _rejection_complaints(seed.expectation, Reason(reason) if reason else None)
    else:
        document = codec.decode(record, ClassifiedDocument)
        lines = document_lines(document, note=_took(int(document.received_at.timestamp() * 1000)))
        complaints = mismatches(seed.expectation, document)
        if seed.expectation.rejected:
            complaints = [f"expected a dead letter {seed.expectation.rejected}, got a document"]
    for line in (*lines, *(Text(f"    ✗ {plain(complaint)}", style="red") for complaint in complaints)):
        console.print(line, overflow="ellipsis", no_wrap=True)
    return complaints


async def _show_lag(kafka: KafkaSettings, console: Console) -> bool:
    """Wait until the worker has nothing left, print the lag and return whether it is 0 everywhere."""
    deadline = time.monotonic() + DRAINED_S
    group = kafka.group(group_name(JOURNEY))
    settings = MonitorSettings(interval_s=POLL_S)
    async with (
        Watch(kafka, settings, {group: kafka.topic(RAW)}, groups=[group]) as watch,
        aclosing(watch.looks()) as looks,
    ):
        async for snapshot in looks:
            is_drained = all(each.lag == 0 for each in snapshot.groups[group].partitions)
            if is_drained or time.monotonic() > deadline:
                break
    console.print()
    console.print(lag_table(snapshot))
    return is_drained


def _show_verdicts(verdicts: Verdicts, took_s: float, console: Console) -> None:
    total = len(verdicts.right) + len(verdicts.wrong)
    console.print(
        f"\n{len(verdicts.right)} of {total} documents came out as expected, in {took_s:.1f} s.", highlight=False
    )
    for name, complaints in sorted(verdicts.wrong.items()):
        for complaint in complaints:
            console.print(Text(f"  ✗ {name}: {plain(complaint)}", style="red"))


def _rejection_complaints(expectation: Expectation, reason: Reason | None) -> list[str]:
    if expectation.rejected is reason:
        return []
    return [f"expected {expectation.rejected or 'a document'}, got the rejection {reason}"]


def _id(sourced: Sourced | Refusal) -> str:
    if isinstance(sourced, Refusal):
        return sourced.id
    try:
        document_id = codec.decode_raw(sourced.record).id
    except Rejected:
        document_id = codec.claimed_id(sourced.record)
    return document_id or sourced.where


def _took(sent_ms: int) -> str:
    return f"{max(0, int(time.time() * 1000) - sent_ms)} ms".rjust(TOOK_WIDTH)
