"""What may be asked for, and the page made of canned runs: every section, with systems that failed among them."""

from xml.etree import ElementTree as ET

import pytest

from bench import growth, latency, memory, metrics, plumbing, whole_job
from bench.__main__ import PARTS, parsed, written
from bench.race import Run
from bench.systems import QUIX, SYSTEMS, TAGWIRE, SystemFailed
from bench.table import NO_BREAK, Section
from bench.topics import Count
from bench.workload import TEXT_5_KB, WHOLE_JOB_TEXT

START_S = 1.0
WHY = "not ready within 60 s"


def run(cpu_us: float, *, documents: int = 1_100, per_s: float | None = 500.0, doubled: int = 0) -> Run:
    """Return a run of so many µs for each document after the start."""
    cpu_s = START_S + cpu_us * (documents - plumbing.START_DOCUMENTS) / 1e6
    return Run(documents, cpu_s, per_s, Count(documents + doubled, 0, doubled))


def same_function() -> plumbing.Results:
    names = [system.name for system in SYSTEMS if system is not QUIX]
    return plumbing.Results(
        TEXT_5_KB,
        1_100,
        bare_us=[100.0, 110.0],
        bare_per_s=[9_000.0, 9_100.0],
        starts={name: [Run(100, start_s, None, Count(100, 0, 0)) for start_s in (0.1, START_S, 9.0)] for name in names},
        runs={
            **{name: [run(150.0), run(170.0, doubled=3)] for name in names},
            TAGWIRE.name: [run(105.0), run(115.0, per_s=None)],
        },
        failures={QUIX.name: WHY},
    )


def all_sections() -> list[Section]:
    job = whole_job.Results(WHOLE_JOB_TEXT, 1_100, failures={whole_job.RIVALS[2].name: WHY})
    job.runs[whole_job.RIVALS[0].name] = [run(900.0, per_s=400.0), run(950.0, per_s=None)]
    job.runs[whole_job.RIVALS[1].name] = [run(3_000.0, per_s=100.0)]
    return [
        plumbing.section([same_function()]),
        whole_job.section([job]),
        latency.section(
            [
                latency.Result(TAGWIRE.name, 0.5, 200.0, 2_400, 0, 30.0, 60.0, 90.0),
                latency.Result(QUIX.name, 0.5, 200.0, 2_400, 7, 30.0, 60.0, 90.0),
                latency.Result(QUIX.name, 0.9, 360.0, failure=WHY),
            ]
        ),
        memory.section([memory.Result(1_000, 80.0, 370.0, 2), memory.Result(1_500, failure=WHY)]),
        growth.section(
            [
                growth.Result("partitions", 1, 100.0, 900.0, 0),
                growth.Result("partitions", 4, failure=WHY),
                growth.Result("definitions", 50, 300.0),
            ]
        ),
        metrics.section(metrics.Result(child_us=2.0, parent_us=0.5, scrape_ms=3.0)),
    ]


def rows(section: Section, beginning: str) -> list[list[str]]:
    lines = [line for table in section.tables for line in table.markdown().splitlines()]
    return [line.strip("| ").split(" | ") for line in lines if line.startswith(f"| {beginning}")]


def test_the_page_has_every_section_and_what_was_measured_where_by_what() -> None:
    sections = all_sections()
    page = written(sections, command="python -m bench --write", commit="abc1234", minutes=20.0)

    assert len(sections) == len(PARTS)
    for section in sections:
        assert f"## {section.title}" in page
        assert section.charts or section.title == "Metrics"
        for svg in section.charts.values():
            assert ET.fromstring(svg).tag.endswith("svg")
    for said in ("`python -m bench --write`", "commit abc1234", "cores", QUIX.version):
        assert said in page


@pytest.mark.parametrize("section", all_sections(), ids=lambda section: section.title)
def test_a_table_has_a_cell_in_every_column_of_every_row(section: Section) -> None:
    for table in section.tables:
        assert {len(row) for row in table.rows} == {len(table.head)}


@pytest.mark.parametrize("section", all_sections()[:-1], ids=lambda section: section.title)
def test_a_system_that_failed_keeps_its_row_with_the_reason(section: Section) -> None:
    assert f"| failed: {WHY} |" in section.markdown("benchmarks")


def test_plumbing_is_a_range_and_no_figure_where_the_range_holds_zero() -> None:
    section = plumbing.section([same_function()])

    (tagwire,) = rows(section, f"{TAGWIRE.name} {TAGWIRE.version} |")
    (confluent,) = rows(section, f"{SYSTEMS[1].name} {SYSTEMS[1].version} |")
    assert tagwire[3:5] == ["within the noise (-5 to 15)", ""]
    assert confluent[2:5] == [f"160{NO_BREAK}(150 to 170)", f"55{NO_BREAK}(40 to 70)", "0.66"]


def test_documents_per_second_are_of_the_rounds_that_have_them() -> None:
    (tagwire,) = rows(plumbing.section([same_function()]), f"{TAGWIRE.name} {TAGWIRE.version} |")

    assert tagwire[5:] == ["500", "0", "0"]


def test_a_section_of_nothing_but_failures_has_rows_and_no_chart() -> None:
    job = whole_job.Results(WHOLE_JOB_TEXT, 1_100, failures={rival.name: WHY for rival in whole_job.RIVALS})
    sections = [
        whole_job.section([job]),
        latency.section([latency.Result(TAGWIRE.name, 0.5, 200.0, failure=WHY)]),
        memory.section([memory.Result(0, failure=WHY)]),
        growth.section([growth.Result("partitions", 1, failure=WHY)]),
    ]

    assert [section.charts for section in sections] == [{}] * 4
    assert all(f"failed: {WHY}" in section.markdown("") for section in sections)


def test_what_a_failed_system_said_last_is_progress_and_not_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    failure = SystemFailed(WHY)
    failure.add_note("its last words")

    assert failure.told("Quix") == WHY
    assert "its last words" in capsys.readouterr().err


@pytest.mark.parametrize("partly", [["--quick"], ["--scale", "0.5"], ["--parts", "memory"], ["--systems", "quix"]])
def test_a_part_of_the_figures_is_never_written(partly: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(["--write", *partly])

    assert f"goes without {partly[0]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--parts", "latency,speed"], ["--systems", "kafka"], ["--scale", "0"], ["--write", "--scale", "0"]]
)
def test_what_there_is_not_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(arguments)

    assert "expected" in capsys.readouterr().err


def test_parts_and_systems_are_given_by_commas() -> None:
    options = parsed(["--parts", "memory,growth", "--systems", "quix,tagwire"])

    assert (options.parts, options.systems, options.write) == (["memory", "growth"], ["quix", "tagwire"], False)


def test_the_whole_page_may_be_written() -> None:
    assert parsed(["--write"]).write


def test_what_counting_costs_is_measured_without_kafka() -> None:
    measured = metrics.measure()

    assert min(measured.parent_us, measured.child_us, measured.scrape_ms) > 0
