"""The `tagwire` command: each sub-command reads its settings and calls a service."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console

Settings = TypeVar("Settings")
Result = TypeVar("Result")

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
topics_app = typer.Typer(help="Create and compare the Kafka topics.", no_args_is_help=True)
schemas_app = typer.Typer(help="The contracts as JSON Schema and AsyncAPI.", no_args_is_help=True)
app.add_typer(topics_app, name="topics")
app.add_typer(schemas_app, name="schemas")
dead_letters_app = typer.Typer(help="Read what could not be processed, and put it back.", no_args_is_help=True)
app.add_typer(dead_letters_app, name="dead-letters")

Bootstrap = Annotated[
    str | None,
    typer.Option(
        "--bootstrap-servers",
        "-b",
        metavar="HOST:PORT",
        help="The cluster; otherwise TAGWIRE_KAFKA_BOOTSTRAP_SERVERS, or 127.0.0.1:9092.",
    ),
]
Paths = Annotated[
    list[str], typer.Argument(metavar="FILE…", help="Files (.txt .html .json .jsonl), folders, or - for JSON Lines.")
]
Source = Annotated[str, typer.Option(help="The `source` of .txt and .html files.")]


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


Partitions = Annotated[int | None, typer.Option(min=1, help="Partitions of each topic; otherwise the list's number.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 for a free one.")]
DataFolder = Annotated[Path | None, typer.Option("--data", metavar="FOLDER", help="Where topics and offsets live.")]
Reasons = Annotated[
    list[str] | None, typer.Option("--reason", metavar="CODE", help="Only this reason; repeat for several.")
]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="Died at this time or later: RFC 3339, or 2h, 3d for so long ago.")
]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Died before this time.")]
Ids = Annotated[list[str] | None, typer.Option("--id", help="Only this document; repeat for several.")]
Fingerprints = Annotated[
    list[str] | None, typer.Option("--fingerprint", help="Only this cause, as `list` names it; repeat for several.")
]


def _version(is_asked: bool) -> None:
    if is_asked:
        console.print(version("tagwire"))
        raise typer.Exit


@app.callback()
def tagwire(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Turns raw news documents into clean, enriched, tagged ones while they flow through Kafka."""


@app.command()
def up(
    port: Port = None,
    data: DataFolder = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 1,
) -> None:
    """Run everything on this machine: embedded Kafka, topics and workers. Ctrl-C ends all; the data stays."""
    from services.local.up import announce, installation

    async def run() -> None:
        async with installation(_broker_settings(port, data), workers=workers, report=_note) as running:
            console.print(announce(running))
            await running.while_up(asyncio.sleep(float("inf")))

    _until_interrupted(run())


@app.command()
def demo(
    leave: Annotated[
        bool, typer.Option("--exit", help="End when all is shown; status 0 only if all is right.")
    ] = False,
    seeds: Annotated[Path, typer.Option(metavar="FOLDER", help="Documents with expected results beside them.")] = Path(
        "seeds"
    ),
    port: Port = 0,
) -> None:
    """Start everything on fresh data, publish the seeds, show their tags and the words that earned them."""
    from services.local.demo import demo as show
    from services.local.demo import load_seeds
    from services.local.up import announce, installation

    chosen = load_seeds(seeds)
    is_right = False

    async def run() -> None:
        nonlocal is_right
        with tempfile.TemporaryDirectory(prefix="tagwire-demo-") as data:
            async with installation(
                _broker_settings(port, Path(data)), workers=1, report=_note, log_level="error"
            ) as running:

                async def journey() -> None:
                    nonlocal is_right
                    is_right = await show(running.kafka, chosen, console)

                await running.while_up(journey())
                if not leave:
                    console.print(announce(running))
                    await running.while_up(asyncio.sleep(float("inf")))

    _until_interrupted(run())
    raise typer.Exit(0 if is_right else 1)


@app.command()
def process(
    files: Paths,
    source: Source = "file",
    jobs: Annotated[int, typer.Option(min=1, help="Child processes.")] = os.cpu_count() or 1,
) -> None:
    """
    Classify documents without Kafka: a JSON line for each on standard output, in order.

    A rejected one is a JSON line with id, reason and message on standard error. Status 0 when all passed, 1 when some
    were rejected.
    """
    from services.feed import sources
    from services.local.process import process as results
    from services.worker.settings import WorkerSettings

    with _usage(sources.SourceError):
        sources.check(files)
    settings = _settings(WorkerSettings)
    rejected = 0

    async def run() -> None:
        nonlocal rejected
        found = sources.read(files, source=source, standard_input=sys.stdin.buffer)
        with _progress() as seen:
            async with contextlib.aclosing(results(found, settings, jobs=jobs)) as done:
                number = 0
                async for result in done:
                    number += 1
                    seen(number)
                    if isinstance(result, sources.Refusal):
                        rejected += 1
                        _tell_refusal(result)
                    else:
                        sys.stdout.buffer.write(result + b"\n")
        sys.stdout.buffer.flush()

    _run(run())
    raise typer.Exit(1 if rejected else 0)


@app.command()
def publish(files: Paths, source: Source = "file", bootstrap_servers: Bootstrap = None) -> None:
    """
    Send documents to documents.raw, each held against the contract first.

    What breaks it is a JSON line with id, reason and message on standard error, and the status is then 1.
    """
    from services.feed import sources
    from services.feed.publish import publish as send

    with _usage(sources.SourceError):
        sources.check(files)

    with _progress() as seen:
        found = sources.read(files, source=source, standard_input=sys.stdin.buffer)
        summary = _run(send(_kafka(bootstrap_servers), found, on_refusal=_tell_refusal, on_progress=seen))
    refused = ", ".join(f"{count} {reason}" for reason, count in summary.refused.most_common())
    console.print(
        f"{summary.published} published, {summary.refused.total()} refused{f': {refused}' if refused else ''}"
    )
    raise typer.Exit(1 if summary.refused else 0)


@app.command()
def worker(
    stages: Annotated[
        str, typer.Option(help="A run of stages: clean, or first-last as in enrich-route.")
    ] = "clean-route",
    publish_stages: Annotated[
        str | None, typer.Option("--publish", help="Stages on the way that are written, too: clean,enrich.")
    ] = None,
    bootstrap_servers: Bootstrap = None,
    log_level: Annotated[LogLevel, typer.Option(help="What is logged at least.")] = LogLevel.INFO,
) -> None:
    """Turn documents.raw into documents.classified until told to stop; any number of workers share the load."""
    from services.telemetry import configure_logs
    from services.worker import flow
    from services.worker.settings import WorkerSettings
    from services.worker.worker import work

    with _usage(ValueError):
        configure_logs(log_level)
        chosen = flow.stages(stages)
        names = [flow.StageName(name) for name in (publish_stages or "").split(",") if name]
    settings = _settings(WorkerSettings, **({"publish": frozenset(names)} if publish_stages is not None else {}))
    kafka = _kafka(bootstrap_servers)

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await work(kafka, settings, chosen, stop=stop)

    _run(run())


@app.command()
def tail(
    tag: Annotated[
        list[str] | None, typer.Option(help="Only documents with this tag; repeat for any of several.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Only this language, as BCP 47.")] = None,
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    header: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Only with this record header.")
    ] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="From the oldest document on.")] = False,
    limit: Annotated[int | None, typer.Option("-n", min=1, help="End after so many.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A document a line, as it is in Kafka.")] = False,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """Show classified documents as they come. In a pipe, or with --json, a JSON document a line."""
    from services.subscriber.tail import Filter, show

    with _usage(ValueError):
        pairs = tuple(_pair(text) for text in header or [])
    chosen = Filter(tags=frozenset(tag or []), language=language, source=source, headers=pairs)
    lines = show(
        _kafka(bootstrap_servers), chosen, from_start=from_start, limit=limit, as_json=as_json or not _is_tty()
    )

    async def run() -> None:
        async for line in lines:
            if isinstance(line, bytes):
                sys.stdout.buffer.write(line + b"\n")
                sys.stdout.buffer.flush()
            else:
                console.print(line, overflow="ellipsis", no_wrap=True)

    _until_interrupted(run())


@app.command()
def lag(
    group: Annotated[list[str] | None, typer.Option(help="Only this consumer group; repeat for several.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A partition a line.")] = False,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """Show how far each consumer group is behind, in records, as a read-committed reader counts them."""
    from services.kafka.offsets import group_offsets
    from services.monitor.lag_table import lag_lines, lag_table

    offsets = _run(group_offsets(_kafka(bootstrap_servers), group))
    if as_json or not _is_tty():
        for line in lag_lines(offsets):
            sys.stdout.buffer.write(line + b"\n")
    elif offsets:
        console.print(lag_table(offsets))
    else:
        console.print("No consumer group has committed anything yet.")


@app.command()
def broker(port: Port = None, data: DataFolder = None) -> None:
    """Run a real Kafka of one node on this machine, without Java or Docker. Ctrl-C ends it; the data stays."""
    from services.kafka.embedded.command import serve

    _run(serve(_broker_settings(port, data)))


@topics_app.command("create")
def topics_create(
    partitions: Partitions = None,
    replication: Annotated[int | None, typer.Option(min=1, help="Copies of each partition; otherwise 3.")] = None,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """Create the topics that are missing, and say what differs in those that exist."""
    from schemas.topics import all_topics
    from services.core.taxonomy import shipped_routes
    from services.kafka.admin import create_topics

    kafka = _kafka(bootstrap_servers)
    created = _run(create_topics(kafka, all_topics(shipped_routes()), partitions=partitions, replication=replication))
    for name in created:
        console.print(f"created  {name}")
    _compare(kafka, partitions)


@topics_app.command("compare")
def topics_compare(partitions: Partitions = None, bootstrap_servers: Bootstrap = None) -> None:
    """Compare the cluster's topics with the list; status 1 when something is missing or differs."""
    raise typer.Exit(0 if _compare(_kafka(bootstrap_servers), partitions) else 1)


@dead_letters_app.command("list")
def dead_letters_list(
    reason: Reasons = None,
    since: Since = None,
    until: Until = None,
    ids: Ids = None,
    fingerprint: Fingerprints = None,
    each: Annotated[bool, typer.Option("--each", help="A line for each letter, ungrouped.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A group, or letter, a line.")] = False,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """Show what could not be processed, grouped by cause. A letter stays for 30 days, also when it was put back."""
    from services.dead_letters import listing
    from services.dead_letters.reading import read_letters

    chosen = _selection(reason, since, until, ids, fingerprint)
    letters = read_letters(_kafka(bootstrap_servers))
    with_table = _is_tty() and not as_json
    if each and not with_table:
        _run(_write_lines(listing.letter_lines(letters, chosen)))
    elif each:
        found = _run(listing.chosen_letters(letters, chosen))
        console.print(*([listing.letter_table(found)] if found else []), listing.total(len(found)), sep="\n")
    else:
        groups = _run(listing.grouped(letters, chosen))
        if with_table:
            total = listing.total(sum(group.count for group in groups), groups=len(groups))
            console.print(*([listing.group_table(groups)] if groups else []), total, sep="\n")
        else:
            sys.stdout.buffer.writelines(listing.group_line(group) + b"\n" for group in groups)


@dead_letters_app.command("show")
def dead_letters_show(
    letter: Annotated[
        str, typer.Argument(metavar="ID", help="A document's id, or topic/partition/offset of letter or document.")
    ],
    as_bytes: Annotated[bool, typer.Option("--bytes", help="Only the original value, as it was: to a file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One line.")] = False,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """Show one dead letter: why, where, when, its headers, traceback and the start of its body."""
    from services.dead_letters import showing
    from services.dead_letters.reading import read_letters

    if as_bytes and _is_tty():
        _fail("--bytes writes whatever is in the document: send it to a file or a pipe, as in --bytes > body", status=2)
    found = _run(showing.find(read_letters(_kafka(bootstrap_servers)), letter))
    if as_bytes:
        sys.stdout.buffer.write(found.letter.record.value or b"")
        sys.stdout.buffer.flush()
    elif as_json or not _is_tty():
        sys.stdout.buffer.write(showing.letter_json(found.letter) + b"\n")
    else:
        for line in showing.letter_lines(found.letter):
            console.print(line, soft_wrap=True)
    if found.letter.record.value is None:
        _note("The record's value is null.")
    if found.older:
        _note(f"This is the newest of {found.older + 1} dead letters; `tagwire dead-letters list --each` has all.")


@dead_letters_app.command("redrive")
def dead_letters_redrive(
    reason: Reasons = None,
    since: Since = None,
    until: Until = None,
    ids: Ids = None,
    fingerprint: Fingerprints = None,
    is_dry: Annotated[bool, typer.Option("--dry-run", help="Send nothing; say how many would now pass.")] = False,
    send_all: Annotated[
        bool, typer.Option("--all", help="Send also what would die again, or come behind a newer version.")
    ] = False,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Documents a second, at most.")] = None,
    max_replays: Annotated[int, typer.Option(min=1, help="Leave alone what was put back so often.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="A letter a line; the summary on standard error.")] = False,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """
    Put dead letters back where they came from, if they now pass: this release is tried on each of them first.

    What was put back before is known by its content and not sent twice, as far back as documents.raw is kept.
    """
    from services.dead_letters import redriving
    from services.dead_letters.redrive import Rules, redrive
    from services.telemetry import configure_logs
    from services.worker.settings import WorkerSettings

    configure_logs("error")
    chosen = _selection(reason, since, until, ids, fingerprint)
    rules = Rules(max_replays=max_replays, is_forced=send_all, is_dry=is_dry, rate=rate)
    kafka, settings = _kafka(bootstrap_servers), _settings(WorkerSettings)
    with _progress() as seen:
        report = _run(redrive(kafka, settings, chosen, rules, on_progress=seen))
    if as_json:
        sys.stdout.buffer.writelines(redriving.candidate_line(each) + b"\n" for each in report.candidates)
        sys.stdout.buffer.flush()
    for warning in redriving.warnings(report):
        _note(warning)
    for line in redriving.summary(report, rules):
        if as_json:
            _note(line)
        else:
            console.print(line, soft_wrap=True)


@schemas_app.command("export")
def schemas_export(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; status 1 when a file is stale.")] = False,
) -> None:
    """Write schemas/exported/ from the models: JSON Schemas and an AsyncAPI 3 document."""
    from schemas.export import main as export

    raise typer.Exit(export(["--check"] if check else []))


def main() -> None:
    """Run the command; what a user can mend is one sentence on standard error and status 1."""
    # What a client has to say while it tries stands in the error it ends with; the worker sets up its own logs.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        app()
    except Exception as error:
        from services.kafka.errors import explained

        sentence = explained(error)
        if sentence is None:
            raise
        _fail(sentence, status=1)


def _fail(sentence: str, *, status: int) -> NoReturn:
    sys.stderr.write(f"tagwire: {sentence}\n")
    sys.exit(status)


@contextlib.contextmanager
def _usage(*errors: type[Exception]) -> Iterator[None]:
    """Turn these errors into one sentence and status 2: the command was called wrongly."""
    try:
        yield
    except errors as error:
        _fail(str(error), status=2)


def _settings(model: type[Settings], **given: Any) -> Settings:
    """Read settings from the environment and from what the command line gives, or name the wrong ones."""
    from pydantic_settings import SettingsError

    try:
        return model(**given)
    except SettingsError as error:
        _fail(str(error), status=2)
    except ValidationError as error:
        prefix = getattr(model, "model_config", {}).get("env_prefix", "")
        wrong = "; ".join(f"{prefix}{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        _fail(wrong, status=2)


def _kafka(bootstrap_servers: str | None) -> Any:
    from services.kafka.settings import KafkaSettings

    return _settings(KafkaSettings, **({"bootstrap_servers": bootstrap_servers} if bootstrap_servers else {}))


def _selection(
    reasons: list[str] | None,
    since: str | None,
    until: str | None,
    ids: list[str] | None,
    fingerprints: list[str] | None,
) -> Any:
    import time

    from services.dead_letters import letters

    now_ms = int(time.time() * 1000)
    with _usage(ValueError):
        return letters.Selection(
            reasons=letters.reasons(reasons or []),
            ids=frozenset(ids or []),
            fingerprints=frozenset(fingerprints or []),
            since_ms=letters.moment(since, now_ms=now_ms) if since else None,
            until_ms=letters.moment(until, now_ms=now_ms) if until else None,
        )


def _broker_settings(port: int | None, data: Path | None) -> Any:
    from services.kafka.embedded.broker import EmbeddedSettings

    given = {"port": port, "data_folder": data}
    return _settings(EmbeddedSettings, **{name: value for name, value in given.items() if value is not None})


def _compare(kafka: Any, partitions: int | None) -> bool:
    from schemas.topics import all_topics
    from services.core.taxonomy import shipped_routes
    from services.kafka.admin import compare_topics

    reports = _run(compare_topics(kafka, all_topics(shipped_routes()), partitions=partitions))
    for report in reports:
        state = "missing" if not report.exists else "differs" if report.differences else "ok"
        console.print(f"{state:<8} {report.name}")
        for difference in report.differences:
            console.print(f"         {difference}")
    return all(report.exists and not report.differences for report in reports)


def _run(doing: Coroutine[Any, Any, Result]) -> Result:
    import uvloop

    return uvloop.run(doing)


def _until_interrupted(doing: Coroutine[Any, Any, None]) -> None:
    """Run until it ends by itself, or SIGINT or SIGTERM cancels it: then what it has started ends in order."""
    is_asked = False

    async def run() -> None:
        task = asyncio.current_task()
        assert task is not None

        def end() -> None:
            nonlocal is_asked
            is_asked = True
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, end)
        await doing

    try:
        _run(run())
    except asyncio.CancelledError:
        if not is_asked:
            raise


async def _write_lines(lines: AsyncIterator[bytes]) -> None:
    async for line in lines:
        sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _is_tty() -> bool:
    return sys.stdout.isatty()


def _note(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _tell_refusal(refusal: Any) -> None:
    """Write a document that did not pass as a JSON line: id, reason, message."""
    import orjson

    _note(orjson.dumps({"id": refusal.id, "reason": refusal.reason, "message": refusal.message}).decode())


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ValueError(f"--header {text}: expected NAME=VALUE")
    return name, value


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Give a function that is told how many documents were seen; shown only on a terminal."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed} documents"), TimeElapsedColumn())
    terminal = Console(stderr=True)
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as progress:
        task = progress.add_task("documents", total=None)
        yield lambda seen: progress.update(task, completed=seen)


console = Console(highlight=False)

if __name__ == "__main__":
    main()
