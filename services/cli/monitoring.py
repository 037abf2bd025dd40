"""`tagwire monitor`, `lag`, `status` and `where`: how it goes, for people and for programs."""

import contextlib
import time
from typing import Annotated, Any

import typer

from services.cli.options import AsJson, Bootstrap, LogLevel, group, kafka_settings, settings, usage
from services.cli.printing import console, is_tty, note, progress, waiting, write_line
from services.cli.running import run, run_until_interrupted, run_until_told, while_read

app = group()

WATCH_S = 2.0
STATUS_LOOKS = 3
STATUS_S = 6.0
"""Longer than the 5 s after which most clients commit: who moves is seen to move."""


@app.command()
def monitor(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, metavar="PORT", help="Otherwise TAGWIRE_MONITOR_HTTP_PORT, or 8070.")
    ] = None,
    bootstrap_servers: Bootstrap = None,
    log_level: Annotated[
        LogLevel, typer.Option(metavar="LEVEL", help="What is logged at least: debug, info, warning or error.")
    ] = LogLevel.INFO,
) -> None:
    """Watch every consumer group and serve lag, statuses and metrics over HTTP. Runs until told to stop."""
    from services.monitor.service import monitor as watch
    from services.monitor.settings import MonitorSettings
    from services.telemetry.logs import configure_logs
    from services.worker.settings import WorkerSettings

    configure_logs(log_level)
    own = settings(MonitorSettings, **({"http_port": port} if port is not None else {}))
    kafka, worker = kafka_settings(bootstrap_servers), settings(WorkerSettings)

    run_until_told(lambda stop: watch(kafka, own, worker, stop=stop))


@app.command()
def lag(
    group: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this consumer group; repeat for several.")
    ] = None,
    is_watching: Annotated[bool, typer.Option("--watch", "-w", help="Look again and again, until Ctrl-C.")] = False,
    every: Annotated[
        float, typer.Option(min=0.1, max=3600, metavar="SECONDS", help="With --watch: from one look to the next.")
    ] = WATCH_S,
    as_json: AsJson = False,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """
    Show how far each consumer group is behind, and how it stands.

    In records, as a read-committed reader counts them, and in time. Whether a group moves takes several looks to tell,
    so --watch knows more than one look does.
    """
    from services.monitor.lag_table import lag_lines, lag_table, watched
    from services.monitor.settings import MonitorSettings
    from services.monitor.watch import look_once

    kafka = kafka_settings(bootstrap_servers)
    watch = _watch(kafka, settings(MonitorSettings, interval_s=every), group)
    is_for_programs = as_json or not is_tty()

    async def once() -> None:
        snapshot = await look_once(watch, group or [])
        if is_for_programs:
            for line in lag_lines(snapshot):
                write_line(line)
        else:
            console.print(lag_table(snapshot))

    async def again_and_again() -> None:
        from rich.live import Live

        with Live(console=console, auto_refresh=False) if not is_for_programs else contextlib.nullcontext() as live:
            async with contextlib.aclosing(watch.patient_looks()) as looks:
                async for snapshot in looks:
                    if live is not None:
                        live.update(watched(watch, most=console.height - 1), refresh=True)
                    elif snapshot is None:
                        note(f"{watch.failure} Trying again.")
                    else:
                        for line in lag_lines(snapshot):
                            write_line(line)

    if is_watching:
        run_until_interrupted(while_read(again_and_again()))
    else:
        run(while_read(once()))


@app.command()
def status(
    seconds: Annotated[
        float,
        typer.Option(
            "--for", min=0.2, max=3600, metavar="SECONDS", help="Time in which the cluster is looked at thrice."
        ),
    ] = STATUS_S,
    as_json: AsJson = False,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """
    Show the journey on one screen: topics, who reads them, who works, dead letters, what is wrong.

    Status 1 when something of tagwire's own is wrong: a topic of the journey is missing, or a group of its workers is
    ABANDONED or worse. What others do badly is shown, and changes nothing.
    """
    from services.monitor.settings import MonitorSettings
    from services.monitor.status import overview
    from services.monitor.status_screen import status_screen

    kafka = kafka_settings(bootstrap_servers)
    own = settings(MonitorSettings, interval_s=seconds / (STATUS_LOOKS - 1), samples=STATUS_LOOKS)
    with waiting(f"looking at the cluster for {seconds:g} s"):
        found = run(while_read(overview(kafka, own, looks=STATUS_LOOKS)))
    if as_json or not is_tty():
        write_line(found.model_dump_json().encode())
    else:
        console.print(status_screen(found, at=kafka.bootstrap_servers))
    raise typer.Exit(0 if found.is_well else 1)


@app.command()
def where(
    document_id: Annotated[str, typer.Argument(metavar="ID", help="The document's id.")],
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only records from then on: RFC 3339, or 30m, 2h, 3d ago.")
    ] = None,
    as_json: AsJson = False,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """
    Show where a document is and was: each topic, partition, offset and time, and what became of it there.

    Dead letters are among it; of what still waits it tells how much is before it. Status 1 when nothing is kept of it.
    """
    from services.dead_letters.letters import moment
    from services.monitor.journey import journey
    from services.monitor.where import stop_line, stop_table
    from services.monitor.where import where as find

    with usage(ValueError):
        since_ms = moment(since, now_ms=int(time.time() * 1000)) if since else 0
    kafka = kafka_settings(bootstrap_servers)
    with progress() as seen:
        stops = run(while_read(find(kafka, journey(kafka), document_id, since_ms=since_ms, on_progress=seen)))
    if as_json or not is_tty():
        for stop in stops:
            write_line(stop_line(stop))
    else:
        console.print(stop_table(stops))


def _watch(kafka: Any, own: Any, groups: list[str] | None = None) -> Any:
    from services.monitor.journey import journey
    from services.monitor.watch import Watch

    return Watch(kafka, own, journey(kafka).inputs, groups=groups)
