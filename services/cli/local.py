"""`tagwire up`, `demo`, `process` and `broker`: what needs no cluster."""

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from services.cli.options import AsJson, DataFolder, Paths, Port, Source, broker_settings, group, settings, usage
from services.cli.printing import console, is_tty, note, program, progress, write_line
from services.cli.refusals import tell_refusal
from services.cli.running import run, run_until_interrupted, while_read

app = group()

HasInsights = Annotated[bool, typer.Option("--insights/--no-insights", help="Bursts and stories, too.")]


@app.command()
def up(
    port: Port = None,
    data: DataFolder = None,
    workers: Annotated[int, typer.Option(min=1, max=64, metavar="N", help="Worker processes.")] = 1,
    has_monitor: Annotated[bool, typer.Option("--monitor/--no-monitor", help="The monitor, too.")] = True,
    has_insights: HasInsights = True,
) -> None:
    """Run Kafka, topics, workers, insights and the monitor on this machine. Ctrl-C ends all; the data stays."""
    from services.insights.settings import InsightSettings
    from services.local.up import announce, installation
    from services.monitor.settings import MonitorSettings

    monitor = settings(MonitorSettings) if has_monitor else None
    insights = settings(InsightSettings) if has_insights else None

    async def work() -> None:
        async with installation(
            broker_settings(port, data), workers=workers, report=note, monitor=monitor, insights=insights
        ) as running:
            console.print(announce(running, program()), soft_wrap=True)
            await running.while_up(asyncio.sleep(float("inf")))

    run_until_interrupted(work())


@app.command()
def demo(
    leave: Annotated[
        bool, typer.Option("--exit", help="End when all is shown; status 0 only if all is right.")
    ] = False,
    seeds: Annotated[Path, typer.Option(metavar="FOLDER", help="Documents with expected results beside them.")] = Path(
        "seeds"
    ),
    port: Port = 0,
    has_insights: HasInsights = True,
) -> None:
    """
    Start all on fresh data and see the seeds tagged.

    Each document is shown with its tags and the words that earned them, and held against what is expected of it. Then
    some days of invented news go through, and what insights find in them is shown: a burst and a story.
    """
    from services.insights.settings import InsightSettings
    from services.local.demo import demo as show
    from services.local.demo import load_seeds
    from services.local.demo_insights import show_insights
    from services.local.up import announce, installation
    from services.monitor.settings import MonitorSettings

    chosen = load_seeds(seeds)
    # Who lets it end by itself has nobody to look at a page.
    monitor = None if leave else settings(MonitorSettings)
    insights = settings(InsightSettings) if has_insights else None
    is_right = False

    async def work() -> None:
        nonlocal is_right
        with tempfile.TemporaryDirectory(prefix="tagwire-demo-") as data:
            async with installation(
                broker_settings(port, Path(data)),
                workers=1,
                report=note,
                log_level="error",
                monitor=monitor,
                insights=insights,
            ) as running:

                async def journey() -> None:
                    nonlocal is_right
                    is_right = await show(running.kafka, chosen, console)
                    if has_insights:
                        is_right = await show_insights(running.kafka, console) and is_right

                await running.while_up(journey())
                if not leave:
                    console.print("", announce(running, program()), sep="\n", soft_wrap=True)
                    await running.while_up(asyncio.sleep(float("inf")))

    run_until_interrupted(work())
    raise typer.Exit(0 if is_right else 1)


@app.command()
def process(
    files: Paths,
    source: Source = "file",
    jobs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Child processes; as many as cores may be used, if not given."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Classify documents without Kafka, in order.

    On a terminal each is shown with its tags and the words that earned them; in a pipe, or with --json, it is a JSON
    line. What is rejected is told on standard error, with id, reason and message. Status 0 when all passed, 1 when some
    were rejected.
    """
    from services.feed import sources
    from services.local.process import process as results
    from services.worker.settings import WorkerSettings

    with usage(sources.SourceError):
        sources.check(files)
    limits = settings(WorkerSettings)
    rejected = 0

    async def work() -> None:
        nonlocal rejected
        found = sources.read(files, source=source, standard_input=sys.stdin.buffer)
        # A spinner would share its terminal with the results.
        with progress(is_wanted=not is_tty()) as seen:
            async with contextlib.aclosing(results(found, limits, jobs=jobs or limits.children)) as done:
                number = 0
                async for result in done:
                    number += 1
                    seen(number)
                    if isinstance(result, sources.Refusal):
                        rejected += 1
                        tell_refusal(result, as_json=as_json)
                    elif is_tty() and not as_json:
                        _show(result)
                    else:
                        write_line(result)

    run(while_read(work()))
    raise typer.Exit(1 if rejected else 0)


@app.command()
def broker(port: Port = None, data: DataFolder = None) -> None:
    """Run a real Kafka of one node, without Java or Docker. Ctrl-C ends it; the data stays."""
    from services.kafka.embedded.command import serve

    run(serve(broker_settings(port, data)))


def _show(value: bytes) -> None:
    from schemas.documents import ClassifiedDocument
    from services.subscriber.render import document_lines

    for line in document_lines(ClassifiedDocument.model_validate_json(value)):
        console.print(line, overflow="ellipsis", no_wrap=True)
