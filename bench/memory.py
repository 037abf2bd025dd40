"""Resident memory of a worker and its children over many documents, all different, through all steps."""

import argparse
import asyncio
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench.charts import lines
from bench.measure import resident_mb, tree
from bench.systems import TAGWIRE, Running, SystemFailed, job_on, running
from bench.table import Section, Table, failed, figure
from bench.topics import Outputs, broker, make_topics
from bench.workload import article, page
from schemas.topics import CLASSIFIED, RAW
from services.kafka.publisher import Publisher
from services.kafka.records import Output

STEPS: Final = 10
PAGES_EACH: Final = 50
"""One in so many documents is an HTML page."""
ASK_S: Final = 0.5
GIVE_UP_S: Final = 60.0
TEXT: Final = """\
A worker and its children on a backlog of {documents:,} documents, all different, texts of about 2 KB and one page in {pages}, through all its steps.
Resident memory, in which a page that processes share counts in each of them.
`.venv/bin/python -m bench.memory --documents 1000000` is the long form."""  # noqa: E501  # one sentence a line


@dataclass(frozen=True, slots=True)
class Result:
    done: int
    parent_mb: float = 0.0
    children_mb: float = 0.0
    children: int = 0
    failure: str = ""
    """Why there are no figures. Empty: there are."""


async def measure(documents: int, size_bytes: int = 2_000) -> list[Result]:
    results: list[Result] = []
    async with broker() as kafka:
        await make_topics(kafka)
        async with Publisher(kafka, client_id="bench") as publisher:
            for number, body in enumerate(_bodies(documents, size_bytes)):
                await publisher.send(Output(RAW.name, b"%d" % number, body))
        job = job_on(
            kafka.bootstrap_servers, kafka.topic(RAW), kafka.topic(CLASSIFIED), group="memory", function="whole_job"
        )
        async with Outputs(kafka) as outputs:
            try:
                async with running(TAGWIRE, job) as started:
                    await _watch(started, outputs, documents, results)
            except SystemFailed as failure:
                results.append(Result(len(outputs.keys), failure=failure.told(TAGWIRE.name)))
    return results


async def _watch(started: Running, outputs: Outputs, documents: int, results: list[Result]) -> None:
    started.go()
    done, still_s, shown = 0, 0.0, documents // STEPS
    while done < documents:
        await asyncio.sleep(ASK_S)
        before, done = done, await outputs.different()
        still_s = 0.0 if done > before else still_s + ASK_S
        if done >= shown or done >= documents:
            shown = (done * STEPS // documents + 1) * documents // STEPS
            parent, *below = tree(started.pids[0])
            results.append(Result(done, resident_mb(parent), sum(map(resident_mb, below)), len(below)))
            sys.stderr.write(f"memory: {results[-1]}\n")
        started.require()
        if still_s >= GIVE_UP_S:
            raise SystemFailed(f"nothing new for {GIVE_UP_S:.0f} s, {documents - done} documents not delivered")


def _bodies(documents: int, size_bytes: int) -> Iterator[bytes]:
    chance = random.Random(11)
    for number in range(documents):
        size = round(size_bytes * chance.uniform(0.5, 1.5))
        yield page(number, size) if number % PAGES_EACH == 0 else article(number, size).encode()


def section(results: Sequence[Result]) -> Section:
    table = Table(("documents", "parent MiB", "children MiB", "all MiB", "children"))
    for result in results:
        if result.failure:
            table.rows.append((figure(result.done), *failed(result.failure, len(table.head) - 1)))
            continue
        all_mb = result.parent_mb + result.children_mb
        cells = (result.done, result.parent_mb, result.children_mb, all_mb, result.children)
        table.rows.append(tuple(figure(cell) for cell in cells))
    well = [result for result in results if not result.failure]
    chart = lines(
        "Resident MiB of a worker and its children",
        {
            "all": [(result.done, result.parent_mb + result.children_mb) for result in well],
            "parent": [(result.done, result.parent_mb) for result in well],
        },
        x="documents",
        y="MiB",
    )
    documents = results[-1].done if results else 0
    return Section(
        "Memory", TEXT.format(documents=documents, pages=PAGES_EACH), [table], {"memory": chart} if well else {}
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--bytes", type=int, default=2_000, help="of a text, about")
    options = parser.parse_args()
    results = asyncio.run(measure(options.documents, options.bytes))
    sys.stdout.write(section(results).markdown("") + "\n")


if __name__ == "__main__":
    main()
