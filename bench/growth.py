"""What a document costs tagwire as documents, partitions, workers, topics and definitions grow."""

import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bench.charts import lines
from bench.peers.tagwire import CHILDREN, TAG_TOPICS
from bench.race import Run, race
from bench.systems import TAGWIRE, SystemFailed
from bench.table import Section, Table, failed, figure
from bench.topics import PARTITIONS, broker, fill, make_topics
from bench.workload import TEXT_5_KB, WORDS, article
from schemas.documents import RawDocument
from schemas.taxonomy import TopicDefinition
from services.core.classify import classify
from services.core.clean import clean
from services.core.enrich import enrich
from services.core.gazetteer import load_gazetteer
from services.core.taxonomy import SHIPPED, compile_taxonomy, load_definitions, load_place_rules
from services.kafka.settings import KafkaSettings

DOCUMENTS: Final = 15_000
START: Final = 100
CLASSIFIED_DOCUMENTS: Final = 300
CLASSIFIED_TIMES: Final = 3
"""The least counts: it takes a tenth of a second, in which others may be at work."""
DEFINITIONS: Final = (0, 100, 1_000, 3_000)
"""Beside the shipped ones."""
TERMS: Final = 30
"""In a generated definition."""
TEXT: Final = """\
tagwire's plumbing with the function of the first table on texts of 5 KB; all is as there but what the row names.
A copy of each document goes to one of the tag topics, by turns; the row with none is the first table's.
Each figure is of a single run, less a single start: small differences may be chance.
Workers share the partitions and have one child each, where otherwise one worker has a child a core.
Definitions are generated beside the shipped ones, {terms} terms each, and the figure is the time of `classify` alone."""  # noqa: E501  # one sentence a line


@dataclass(frozen=True, slots=True)
class Result:
    grows: str
    size: int
    cpu_us: float = 0.0
    per_s: float | None = None
    """None: measured without Kafka, or seen in too few steps."""
    wrong: int | None = None
    """Documents lost or doubled. None: measured without Kafka."""
    failure: str = ""
    """Why there are no figures. Empty: there are."""


@dataclass(frozen=True, slots=True)
class Setting:
    grows: str
    size: int
    documents: int
    partitions: int = PARTITIONS
    workers: int = 1
    children: int | None = None
    """Of each worker. None: one for each core."""
    tag_topics: int = 0


def settings(documents: int) -> list[Setting]:
    """Return all runs, the smallest of each kind first."""
    return [
        *(Setting("documents", size, size) for size in (documents // 4, documents, documents * 4)),
        *(Setting("partitions", size, documents, partitions=size) for size in (1, 4, 16, 64)),
        *(Setting("workers", size, documents, workers=size, children=1) for size in (1, 2, 4)),
        *(Setting("tag topics", size, documents, tag_topics=size) for size in (0, 1, 10, 100)),
    ]


async def measure(scale: float = 1.0, *, is_trial: bool = False) -> list[Result]:
    """Return what each size costs; a trial takes two of them."""
    results: list[Result] = []
    chosen = settings(max(8 * START, round(DOCUMENTS * scale)))
    if is_trial:
        chosen = [setting for number, setting in enumerate(chosen) if number in {5, 12}]
    values = TEXT_5_KB.values()
    async with broker() as kafka:
        for number, setting in enumerate(chosen):
            try:
                results.append(await _result(kafka, setting, f"{number}.", values))
            except SystemFailed as failure:
                results.append(Result(setting.grows, setting.size, failure=failure.told(TAGWIRE.name)))
            sys.stderr.write(f"growth: {results[-1]}\n")
    return results + [_with_definitions(size) for size in DEFINITIONS[: 2 if is_trial else None]]


async def _result(kafka: KafkaSettings, setting: Setting, prefix: str, values: list[bytes]) -> Result:
    # What a run costs that is no document's grows, too: it is measured on few documents, and taken off.
    few, many = [
        await _run(kafka.model_copy(update={"topic_prefix": f"{size}-{prefix}"}), setting, values, size)
        for size in (START, setting.documents)
    ]
    cpu_us = (many.cpu_s - few.cpu_s) / (setting.documents - START) * 1e6
    return Result(setting.grows, setting.size, cpu_us, many.per_s, many.count.lost + many.count.doubled)


async def _run(kafka: KafkaSettings, setting: Setting, values: list[bytes], documents: int) -> Run:
    await make_topics(kafka, partitions=setting.partitions, tag_topics=setting.tag_topics)
    await fill(kafka, values, documents)
    environment = {TAG_TOPICS: str(setting.tag_topics)}
    if setting.children:
        environment[CHILDREN] = str(setting.children)
    return await race(
        TAGWIRE,
        kafka,
        function=TEXT_5_KB.function,
        documents=documents,
        instances=setting.workers,
        environment=environment,
    )


def _with_definitions(size: int) -> Result:
    """Return what `classify` takes with so many definitions more."""
    chance = random.Random(size)
    words = [word.lower() for word in WORDS.read_text().split() if word.isalpha() and len(word) > 4]
    # Half of the terms are made of the documents' own words, so that they are found now and then.
    more = [
        TopicDefinition(
            id=f"generated-{number}",
            label=f"Generated {number}",
            description="Made for a benchmark.",
            terms={
                " ".join(chance.sample(words, chance.choice((2, 3)))): chance.choice((1, 2, 4)) for _ in range(TERMS)
            },
        )
        for number in range(size)
    ]
    gazetteer = load_gazetteer()
    taxonomy = compile_taxonomy([*load_definitions(SHIPPED), *more], load_place_rules(SHIPPED), gazetteer.countries)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    documents = [
        enrich(
            clean(RawDocument(id=f"{number}", source="bench", body=article(number, 5_000)), received_at=at), gazetteer
        )
        for number in range(CLASSIFIED_DOCUMENTS)
    ]
    taken_s = []
    for _ in range(CLASSIFIED_TIMES):
        began = time.process_time()
        for document in documents:
            classify(document, taxonomy)
        taken_s.append(time.process_time() - began)
    return Result("definitions", len(taxonomy.definitions), min(taken_s) / len(documents) * 1e6)


def section(results: Sequence[Result]) -> Section:
    table = Table(("what grows", "to", "CPU µs a document", "documents/s", "lost or doubled"))
    kinds = list(dict.fromkeys(result.grows for result in results if not result.failure))
    for result in results:
        if result.failure:
            table.rows.append((result.grows, figure(result.size), *failed(result.failure, len(table.head) - 2)))
            continue
        table.rows.append(
            (
                result.grows,
                figure(result.size),
                figure(result.cpu_us),
                figure(result.per_s) if result.per_s is not None else "",
                str(result.wrong) if result.wrong is not None else "",
            )
        )
    charts = {
        f"growth-{kind.replace(' ', '-')}": lines(
            f"CPU µs a document, as {kind} grow",
            {
                "CPU": [
                    (result.size, result.cpu_us) for result in results if result.grows == kind and not result.failure
                ]
            },
            x=kind,
            y="µs",
        )
        for kind in kinds
    }
    return Section("As things grow", TEXT.format(terms=TERMS), [table], charts)
