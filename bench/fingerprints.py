"""How well fingerprints find near duplicates and stories, beside exact comparison and the truth; and what they cost."""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from math import ceil
from typing import Final

from bench.copies import Report, reports
from bench.table import Table, figure
from bench.workload import article
from schemas.insights import BandedDocument, StoryLink
from services.core.disjoint_sets import Node
from services.core.fingerprint import bands, fingerprint, id_band, similarity
from services.core.near_duplicates import NEAR_DUPLICATE, NearDuplicates
from services.core.shingles import shingles
from services.core.stories import Stories

PARTITIONS: Final = 12
MINUTE_MS: Final = 60_000
NEAR: Final = (NEAR_DUPLICATE - 0.1, NEAR_DUPLICATE + 0.1)
Pair = tuple[int, int]
"""Numbers of two reports, the lower one first."""


@dataclass(frozen=True, slots=True)
class Score:
    """How many pairs were found, were to be found, and both."""

    found: int
    true: int
    both: int

    @property
    def precision(self) -> float:
        return self.both / self.found

    @property
    def recall(self) -> float:
        return self.both / self.true


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    told = reports(arguments.stories, seed=arguments.seed)
    print(f"{len(told):,} reports of {arguments.stories:,} stories.\n")  # noqa: T201
    for table in (*quality(told), costs(told)):
        print(table.markdown() + "\n")  # noqa: T201


def quality(told: Sequence[Report]) -> tuple[Table, Table]:
    """Compare pairs with those of exact Jaccard similarity, and stories with the truth."""
    exact = exact_pairs([report.text for report in told], NEAR[0])
    documents = [_document(number, report.text) for number, report in enumerate(told)]
    estimated = {pair: _similarity(documents, pair) for pair in _candidates(documents)}
    pairs = Table(("pairs", "there are", "precision", "recall", "share a band"))
    for name, least, most in (("Jaccard .8 or more", NEAR[0], 1.0), ("of those from .7 to .9", *NEAR)):
        among = {pair for pair, much in exact.items() if least <= much <= most}
        near = {pair for pair in among if exact[pair] >= NEAR_DUPLICATE}
        # What is found though it is less than .7 alike counts against the whole, and is none of the narrower row.
        found = {pair for pair, much in estimated.items() if much >= NEAR_DUPLICATE and (pair in among or most == 1)}
        score = Score(len(found), len(near), len(found & near))
        share = len(near & estimated.keys()) / len(near)
        pairs.rows.append((name, *_figures(score), figure(share, 4)))
    stories = Table(("stories by", "pairs in one story", "precision", "recall"))
    truth = [report.story for report in told]
    for least in (NEAR_DUPLICATE, NEAR[0]):
        by_exact = _components([pair for pair, much in exact.items() if much >= least], len(told))
        by_tagwire = story_ids(documents, least)
        for name, found_stories, true_stories in (
            (f"exact Jaccard of {least:.1f}, beside the truth", by_exact, truth),
            (f"tagwire at {least:.1f}, beside the truth", by_tagwire, truth),
            (f"tagwire at {least:.1f}, beside exact Jaccard", by_tagwire, by_exact),
        ):
            stories.rows.append((name, *_figures(same_story(found_stories, true_stories))))
    return pairs, stories


def costs(told: Sequence[Report]) -> Table:
    """Measure the CPU time of each step alone; the least of several runs."""
    texts = [article(number, 5_000) for number in range(200)]
    documents = [_document(number, report.text) for number, report in enumerate(told)]
    links = _links(documents)
    table = Table(("step", "µs of CPU time"))
    for name, count, run in (
        ("fingerprint of a text of 5 KB", len(texts), partial(_each, fingerprint, texts)),
        ("its shingles alone", len(texts), partial(_each, shingles, texts)),
        ("add a document to all its partitions", len(documents), partial(_links, documents)),
        ("join a pair", len(links), partial(Stories().join, links)),
    ):
        table.rows.append((name, figure(_least_s(run) / count * 1e6, 1)))
    return table


def exact_pairs(texts: Sequence[str], least: float) -> dict[Pair, float]:
    """
    Return all pairs of at least so much Jaccard similarity.

    Two such sets, sorted by how rare their members are, share one of their first (Chaudhuri, Ganti, Kaushik,
    "A primitive operator for similarity joins in data cleaning", 2006): the others need not be compared.
    """
    sets = [frozenset(shingles(text)) for text in texts]
    frequency = Counter(shingle for each in sets for shingle in each)
    by_shingle: defaultdict[bytes, list[int]] = defaultdict(list)
    found: dict[Pair, float] = {}
    for number, ours in enumerate(sets):
        rare = sorted(ours, key=lambda shingle: (frequency[shingle], shingle))[
            : len(ours) - ceil(least * len(ours)) + 1
        ]
        for other in {other for shingle in rare for other in by_shingle[shingle]}:
            common = len(ours & sets[other])
            much = common / (len(ours) + len(sets[other]) - common)
            if much >= least:
                found[other, number] = much
        for shingle in rare:
            by_shingle[shingle].append(number)
    return found


def story_ids(documents: Sequence[BandedDocument], least: float) -> list[Hashable]:
    """Return the story of each document as insights find it; a document without one is its own."""
    stories = Stories(similarity=least)
    said: dict[str, str] = {}
    for link in _links(documents, least):
        changes = stories.join([link])
        said |= {assignment.document_id: assignment.story_id for assignment in changes.assignments}
        stories.apply(changes)
    return [said.get(document.id, document.id) for document in documents]


def same_story(found: Sequence[Hashable], true: Sequence[Hashable]) -> Score:
    """Return how pairs of documents that are in one story agree."""
    both = Counter(zip(found, true, strict=True))
    return Score(_pairs(Counter(found).values()), _pairs(Counter(true).values()), _pairs(both.values()))


def _links(documents: Iterable[BandedDocument], least: float = NEAR_DUPLICATE) -> list[StoryLink]:
    """Return the pairs that all partitions of bands find."""
    partitions = [NearDuplicates(window_ms=2**40, similarity=least) for _ in range(PARTITIONS)]
    return [
        link
        for document in documents
        for number, partition in enumerate(partitions)
        if (ours := tuple(band for band in document.bands if band % PARTITIONS == number))
        for link in partition.add(document.model_copy(update={"bands": ours}))
    ]


def _document(number: int, text: str) -> BandedDocument:
    found, document_id = fingerprint(text), f"report-{number}"
    of_text = bands(found) if found else ()
    return BandedDocument(
        record=f"0/{number}",
        id=document_id,
        source="bench",
        at_ms=number * MINUTE_MS,
        fingerprint=found,
        bands=(*of_text, id_band(document_id)),
    )


def _candidates(documents: Sequence[BandedDocument]) -> set[Pair]:
    by_band: defaultdict[int, list[int]] = defaultdict(list)
    for number, document in enumerate(documents):
        for band in document.bands:
            by_band[band].append(number)
    return {pair for sharing in by_band.values() for pair in combinations(sharing, 2)}


def _similarity(documents: Sequence[BandedDocument], pair: Pair) -> float:
    one, other = (documents[number].fingerprint for number in pair)
    return similarity(one, other) if one and other else 0.0


def _components(pairs: Iterable[Pair], count: int) -> list[Hashable]:
    nodes = [Node() for _ in range(count)]
    for one, other in pairs:
        nodes[one].unite(nodes[other])
    return [node.root() for node in nodes]


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


def _figures(score: Score) -> tuple[str, str, str]:
    return figure(score.true), figure(score.precision, 4), figure(score.recall, 4)


def _each(step: Callable[[str], object], texts: Iterable[str]) -> None:
    for text in texts:
        step(text)


def _least_s(run: Callable[[], object], times: int = 5) -> float:
    taken: list[float] = []
    for _ in range(times):
        started = time.process_time()
        run()
        taken.append(time.process_time() - started)
    return min(taken)


if __name__ == "__main__":
    main()
