"""`tagwire publish`, `worker` and `tail`: documents on their way through a cluster."""

import contextlib
import logging
import sys
from typing import Annotated

import typer

from services.cli.options import AsJson, Bootstrap, LogLevel, Paths, Source, group, kafka_settings, settings, usage
from services.cli.printing import console, is_tty, note, progress, write_line
from services.cli.refusals import tell_refusal
from services.cli.running import run, run_until_interrupted, run_until_told, while_read

app = group()

PATIENCE_S = 5.0
"""After so long without a document, `tail` in a pipe says on standard error what it waits for."""


@app.command()
def publish(files: Paths, source: Source = "file", bootstrap_servers: Bootstrap = None) -> None:
    """
    Send documents to documents.raw.

    Each is held against the contract first. What breaks it is told on standard error with id, reason and message, as a
    JSON line where that is no terminal, and the status is then 1.
    """
    from services.feed import sources
    from services.feed.publish import publish as send

    with usage(sources.SourceError):
        sources.check(files)

    with progress() as seen:
        found = sources.read(files, source=source, standard_input=sys.stdin.buffer)
        summary = run(send(kafka_settings(bootstrap_servers), found, on_refusal=tell_refusal, on_progress=seen))
    refused = ", ".join(f"{count} {reason}" for reason, count in summary.refused.most_common())
    console.print(
        f"{summary.published} published, {summary.refused.total()} refused{f': {refused}' if refused else ''}"
    )
    raise typer.Exit(1 if summary.refused else 0)


@app.command()
def worker(
    stages: Annotated[
        str, typer.Option(metavar="STAGES", help="A run of stages: clean, or first-last as in enrich-route.")
    ] = "clean-route",
    publish_stages: Annotated[
        str | None,
        typer.Option("--publish", metavar="STAGES", help="Stages on the way that are written, too: clean,enrich."),
    ] = None,
    bootstrap_servers: Bootstrap = None,
    log_level: Annotated[
        LogLevel, typer.Option(metavar="LEVEL", help="What is logged at least: debug, info, warning or error.")
    ] = LogLevel.INFO,
) -> None:
    """Turn documents.raw into documents.classified. Runs until told to stop; any number of workers share the load."""
    from services.telemetry.logs import configure_logs
    from services.worker import flow
    from services.worker.settings import WorkerSettings
    from services.worker.worker import work

    with usage(ValueError):
        configure_logs(log_level)
        chosen = flow.stages(stages)
        names = [flow.StageName(name.strip()) for name in (publish_stages or "").split(",") if name.strip()]
    logging.getLogger("aiokafka").addFilter(_is_no_failed_bootstrap)
    own = settings(WorkerSettings, **({"publish": frozenset(names)} if publish_stages is not None else {}))
    kafka = kafka_settings(bootstrap_servers)

    run_until_told(lambda stop: work(kafka, own, chosen, stop=stop))


@app.command()
def tail(
    tag: Annotated[
        list[str] | None,
        typer.Option(metavar="TAG", help="Only documents with this tag; repeat for any of several."),
    ] = None,
    language: Annotated[str | None, typer.Option(metavar="CODE", help="Only this language, as BCP 47: en, pt.")] = None,
    source: Annotated[str | None, typer.Option(metavar="NAME", help="Only this source.")] = None,
    header: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Only with this record header.")
    ] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="From the oldest document on.")] = False,
    limit: Annotated[int | None, typer.Option("-n", min=1, metavar="N", help="End after so many.")] = None,
    as_json: AsJson = False,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """Show classified documents as they come. In a pipe, or with --json, a JSON document a line."""
    from services.subscriber.tags import check_tags
    from services.subscriber.tail import Filter, show

    with usage(ValueError):
        pairs = tuple(_pair(text) for text in header or [])
        check_tags(tag or [])
    lines = show(
        kafka_settings(bootstrap_servers),
        Filter(tags=frozenset(tag or []), language=language, source=source, headers=pairs),
        from_start=from_start,
        limit=limit,
        as_json=as_json or not is_tty(),
        note=note,
        patience_s=0 if sys.stderr.isatty() else PATIENCE_S,
    )

    async def print_lines() -> None:
        async with contextlib.aclosing(lines):
            async for line in lines:
                if isinstance(line, bytes):
                    write_line(line)
                else:
                    console.print(line, overflow="ellipsis", no_wrap=True)

    run_until_interrupted(while_read(print_lines()))


def _is_no_failed_bootstrap(record: logging.LogRecord) -> bool:
    """Whether it is not aiokafka's line on an address without a broker: what we end with, or back off for, says so."""
    return not str(record.msg).startswith('Unable connect to "')


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ValueError(f"--header {text}: expected NAME=VALUE")
    return name, value
