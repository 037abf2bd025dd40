"""The whole job: tagwire's worker against a Quix worker that does it with trafilatura, py3langid and a keyword list."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from bench.charts import bars
from bench.functions import KEYWORDS
from bench.race import Run, race
from bench.systems import QUIX, TAGWIRE, System, SystemFailed
from bench.table import Section, Table, failed, figure, spread
from bench.topics import broker, fill, make_topics
from bench.workload import WHOLE_JOB_PAGES, WHOLE_JOB_TEXT, Workload
from services.core.gazetteer import load_gazetteer
from services.core.taxonomy import SHIPPED, load_definitions
from services.kafka.settings import KafkaSettings

TEXT: Final = """\
tagwire's worker as it is, all its stages, against a Quix Streams worker that does the job as one would write it with libraries.
That is: main text by trafilatura, language by py3langid on the first 1,000 characters, tags by one Aho-Corasick pass over all keywords of tagwire's own definitions and the names of its countries.
It stands here twice: with trafilatura as it comes and its metadata (title, author, date, site), and in its fast form without them.
Both do less than tagwire: no highlights, dateline, places with their mentions, reasons for what was dropped, nor weights, exclusions and thresholds of tags.
All are exactly once, on a backlog in 4 partitions, with zstd, and use all cores; CPU time is counted as above, the start included; documents/s are empty as above."""  # noqa: E501  # one sentence a line


@dataclass(frozen=True, slots=True)
class Rival:
    name: str
    system: System
    function: str


RIVALS: Final = (
    Rival(TAGWIRE.name, TAGWIRE, "whole_job"),
    Rival("Quix with trafilatura", QUIX, "whole_job"),
    Rival("Quix with fast trafilatura", QUIX, "whole_job_fast"),
)


@dataclass(slots=True)
class Results:
    workload: Workload
    documents: int
    runs: dict[str, list[Run]] = field(default_factory=lambda: {rival.name: [] for rival in RIVALS})
    failures: dict[str, str] = field(default_factory=dict)
    """Rival -> why. It does not race again."""

    def cpu_ms(self, name: str) -> float:
        return median(run.cpu_s / run.documents * 1e3 for run in self.runs[name])

    def per_s(self, name: str) -> float | None:
        """Return the median of the rounds in which it could be taken."""
        known = [run.per_s for run in self.runs[name] if run.per_s is not None]
        return median(known) if known else None


async def measure(
    *, workloads: Sequence[Workload] = (WHOLE_JOB_TEXT, WHOLE_JOB_PAGES), rounds: int = 2, scale: float = 1.0
) -> list[Results]:
    results = []
    with TemporaryDirectory(prefix="bench-") as folder:
        keywords = Path(folder) / "keywords.json"
        keywords.write_text(json.dumps(tags_by_keyword()))
        for workload in workloads:
            documents = max(100, round(workload.documents * scale))
            result = Results(workload, documents)
            results.append(result)
            async with broker() as kafka:
                await make_topics(kafka)
                await fill(kafka, workload.values(), documents)
                for number in range(rounds):
                    for rival in RIVALS[:: -1 if number % 2 else 1]:
                        if rival.name not in result.failures:
                            await _run(kafka, rival, result, {KEYWORDS: str(keywords)})
    return results


async def _run(kafka: KafkaSettings, rival: Rival, result: Results, environment: Mapping[str, str]) -> None:
    try:
        run = await race(
            rival.system, kafka, function=rival.function, documents=result.documents, environment=environment
        )
    except SystemFailed as failure:
        result.failures[rival.name] = failure.told(rival.name)
    else:
        result.runs[rival.name].append(run)
        sys.stderr.write(f"whole job, {result.workload.name}: {rival.name}: {run}\n")


def tags_by_keyword() -> dict[str, str]:
    """Return what the shipped definitions look for, and the names of countries, in lower case, with their tags."""
    terms = {
        phrase.removesuffix("*").lower(): definition.id
        for definition in load_definitions(SHIPPED)
        for phrase, points in definition.terms.items()
        if points > 0
    }
    return terms | {country.name.lower(): country.slug for country in load_gazetteer().countries.values()}


def section(results: Sequence[Results]) -> Section:
    table = Table(
        ("", "documents", "CPU ms a document", "times tagwire's", "documents/s", "part of tagwire's", "lost", "doubled")
    )
    charts = {}
    for result in results:
        costs_ms = {rival.name: result.cpu_ms(rival.name) for rival in RIVALS if rival.name not in result.failures}
        our_ms, our_per_s = costs_ms.get(TAGWIRE.name), result.per_s(TAGWIRE.name)
        for rival in RIVALS:
            name, documents = f"{result.workload.name}: {rival.name}", figure(result.documents)
            if why := result.failures.get(rival.name):
                table.rows.append((name, documents, *failed(why, len(table.head) - 2)))
                continue
            runs, per_s, is_ours = result.runs[rival.name], result.per_s(rival.name), rival.system is TAGWIRE
            table.rows.append(
                (
                    name,
                    documents,
                    spread([run.cpu_s / run.documents * 1e3 for run in runs], 2),
                    figure(costs_ms[rival.name] / our_ms, 2) if our_ms and not is_ours else "",
                    spread([run.per_s for run in runs]),
                    figure(per_s / our_per_s, 2) if our_per_s and per_s and not is_ours else "",
                    str(sum(run.count.lost for run in runs)),
                    str(sum(run.count.doubled for run in runs)),
                )
            )
        name = result.workload.name
        if costs_ms:
            charts[f"whole-job-{name.lower().replace(' ', '-')}"] = bars(
                f"{name}: CPU ms a document", costs_ms, digits=2
            )
    return Section("The whole job", TEXT, [table], charts)
