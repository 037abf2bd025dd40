"""How long a document takes from being due at the producer until a read-committed subscriber has it, at given loads."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.charts import lines
from bench.functions import KEYWORDS
from bench.peers.job import COMMIT_INTERVAL
from bench.systems import QUIX, TAGWIRE, System, SystemFailed, job_on, running
from bench.table import Section, Table, failed, figure
from bench.topics import broker, make_topics
from bench.whole_job import tags_by_keyword
from bench.workload import TEXT_5_KB, WHOLE_JOB_TEXT
from schemas.topics import CLASSIFIED, RAW
from services.kafka import client
from services.kafka.publisher import Publisher
from services.kafka.records import Output
from services.kafka.settings import KafkaSettings

LOADS: Final = (0.25, 0.5, 0.9)
WARM_UP: Final = 200
"""Documents that are sent before, to have the group joined and every child warm."""
WARM_UP_TIMEOUT_S: Final = 60.0
TICK_S: Final = 0.002
ASK_S: Final = 0.1
LATE_S: Final = 15.0
"""How long the last documents are waited for; a system that then still lacks some cannot keep up."""
QUIX_COMMITS: Final = {COMMIT_INTERVAL: "0.05"}
"""As often as tagwire; at its usual interval a document would wait for it."""
TEXT: Final = """\
The whole job on texts of 5 KB that arrive one by one, evenly, at a part of what tagwire did on a backlog (above).
A document's time runs from when it is due at the producer, whether or not the producer was late, until a read-committed subscriber has it.
Producer and subscriber are one more process on the same cores, which a backlog's figure does not pay for.
Quix gets the same rates and commits each 50 ms; where cells are empty it fell behind: it had not delivered all {late:.0f} s after the last."""  # noqa: E501  # one sentence a line


@dataclass(frozen=True, slots=True)
class Result:
    system: str
    load: float
    rate_per_s: float
    documents: int = 0
    missing: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    worst_ms: float = 0.0
    failure: str = ""
    """Why there are no figures. Empty: there are."""


async def measure(
    throughput_per_s: float,
    *,
    loads: Sequence[float] = LOADS,
    seconds: float = 12.0,
    systems: Sequence[System] = (TAGWIRE, QUIX),
    function: str = WHOLE_JOB_TEXT.function,
) -> list[Result]:
    results = []
    values = WHOLE_JOB_TEXT.values()
    with TemporaryDirectory(prefix="bench-") as folder:
        keywords = Path(folder) / "keywords.json"
        keywords.write_text(json.dumps(tags_by_keyword()))
        environment = {KEYWORDS: str(keywords), **QUIX_COMMITS}
        async with broker() as kafka:
            for number, (system, load) in enumerate((system, load) for load in loads for system in systems):
                topics = kafka.model_copy(update={"topic_prefix": f"load-{number}."})
                await make_topics(topics)
                job = job_on(
                    kafka.bootstrap_servers,
                    topics.topic(RAW),
                    topics.topic(CLASSIFIED),
                    group="load",
                    function=function,
                )
                rate_per_s = throughput_per_s * load
                try:
                    async with running(system, job, environment=environment) as started:
                        started.go()
                        result = await _result(topics, values, system, load, rate_per_s, seconds)
                        started.require()
                except SystemFailed as failure:
                    result = Result(system.name, load, rate_per_s, failure=failure.told(system.name))
                results.append(result)
                sys.stderr.write(f"latency: {result}\n")
    return results


async def _result(
    kafka: KafkaSettings, values: list[bytes], system: System, load: float, rate_per_s: float, seconds: float
) -> Result:
    documents = round(rate_per_s * seconds)
    arrivals: dict[bytes, float] = {}
    reading = asyncio.create_task(_read(kafka, arrivals))
    try:
        async with Publisher(kafka, client_id="bench") as publisher:
            await _warm_up(publisher, values, arrivals)
            began = time.perf_counter() + 0.1
            due = {b"%d" % number: began + number / rate_per_s for number in range(documents)}
            waiting = list(reversed(due.items()))
            while waiting:
                while waiting and waiting[-1][1] <= time.perf_counter():
                    key, _ = waiting.pop()
                    await publisher.send(Output(RAW.name, key, values[int(key) % len(values)]))
                await asyncio.sleep(TICK_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(LATE_S):
                while not due.keys() <= arrivals.keys():  # noqa: ASYNC110  # seldom, not to disturb the reader
                    await asyncio.sleep(ASK_S)
    finally:
        reading.cancel()
        await asyncio.wait({reading})
    took_ms = sorted((arrivals[key] - at) * 1e3 for key, at in due.items() if key in arrivals) or [0.0]
    return Result(
        system.name,
        load,
        rate_per_s,
        documents,
        documents - sum(key in arrivals for key in due),
        took_ms[len(took_ms) // 2],
        took_ms[len(took_ms) * 99 // 100],
        took_ms[-1],
    )


async def _warm_up(publisher: Publisher, values: list[bytes], arrivals: dict[bytes, float]) -> None:
    warm = [b"warm-%d" % number for number in range(WARM_UP)]
    for number, key in enumerate(warm):
        await publisher.send(Output(RAW.name, key, values[number % len(values)]))
    try:
        async with asyncio.timeout(WARM_UP_TIMEOUT_S):
            while not arrivals.keys() >= set(warm):  # noqa: ASYNC110  # seldom, not to disturb the reader
                await asyncio.sleep(ASK_S)
    except TimeoutError:
        raise SystemFailed(f"the first {WARM_UP} documents took more than {WARM_UP_TIMEOUT_S:.0f} s") from None


async def _read(kafka: KafkaSettings, arrivals: dict[bytes, float]) -> None:
    """Note when each key arrives first, until cancelled."""
    reader = client.reader(kafka, kafka.topic(CLASSIFIED), client_id="bench-reader")
    try:
        await reader.start()
        while True:
            for records in (await reader.getmany(timeout_ms=100)).values():
                now = time.perf_counter()
                for record in records:
                    arrivals.setdefault(record.key, now)
    finally:
        await client.stop(reader)


def section(results: Sequence[Result]) -> Section:
    table = Table(("load", "system", "documents/s", "p50 ms", "p99 ms", "worst ms", "not delivered"))
    for result in results:
        name = (f"{result.load:.0%}", result.system, figure(result.rate_per_s))
        if result.failure:
            table.rows.append((*name, *failed(result.failure, len(table.head) - len(name))))
            continue
        is_behind = result.missing > 0
        cells = [figure(value) for value in (result.p50_ms, result.p99_ms, result.worst_ms)]
        table.rows.append(
            (
                *name,
                *([""] * 3 if is_behind else cells),
                f"{result.missing} of {result.documents}: falls behind" if is_behind else "0",
            )
        )
    ours = [result for result in results if result.system == TAGWIRE.name and not result.failure]
    chart = lines(
        "tagwire: milliseconds until a subscriber has a document",
        {
            "p50": [(result.load * 100, result.p50_ms) for result in ours],
            "p99": [(result.load * 100, result.p99_ms) for result in ours],
        },
        x="% of what a backlog runs at",
        y="ms",
    )
    return Section("Latency", TEXT.format(late=LATE_S), [table], {"latency": chart} if ours else {})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--rate", type=float, default=600.0, help="documents a second")
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--function", choices=sorted({WHOLE_JOB_TEXT.function, TEXT_5_KB.function}), default="annotate")
    options = parser.parse_args()
    results = asyncio.run(measure(options.rate, loads=(1.0,), seconds=options.seconds, function=options.function))
    sys.stdout.write(section(results).tables[0].markdown() + "\n")


if __name__ == "__main__":
    main()
