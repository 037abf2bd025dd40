"""`tagwire dead-letters`: list, show and redrive."""

import contextlib
import time
from collections.abc import AsyncGenerator
from typing import Annotated, Any

import typer

from services.cli.options import AsJson, Bootstrap, group, kafka_settings, settings, usage
from services.cli.printing import console, fail, is_tty, note, progress, write, write_line
from services.cli.running import run, while_read

app = group("Read what could not be processed, and put it back.")

Reasons = Annotated[
    list[str] | None, typer.Option("--reason", metavar="CODE", help="Only this reason; repeat for several.")
]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="Died at this time or later: RFC 3339, or 2h, 3d for so long ago.")
]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Died before this time.")]
Ids = Annotated[list[str] | None, typer.Option("--id", metavar="ID", help="Only this document; repeat for several.")]
Fingerprints = Annotated[
    list[str] | None,
    typer.Option("--fingerprint", metavar="CAUSE", help="Only this cause, as `list` names it; repeat for several."),
]


@app.command("list")
def list_(
    reason: Reasons = None,
    since: Since = None,
    until: Until = None,
    ids: Ids = None,
    fingerprint: Fingerprints = None,
    each: Annotated[bool, typer.Option("--each", help="A line for each letter, ungrouped.")] = False,
    as_json: AsJson = False,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """Show what could not be processed, grouped by cause. A letter stays for 30 days, also when it was put back."""
    from services.dead_letters import listing
    from services.dead_letters.letters import read_letters

    chosen = _selection(reason, since, until, ids, fingerprint)
    letters = read_letters(kafka_settings(bootstrap_servers))
    with_table = is_tty() and not as_json
    if each and not with_table:
        run(while_read(_write_lines(listing.letter_lines(letters, chosen))))
    elif each:
        found = run(listing.chosen_letters(letters, chosen))
        console.print(*([listing.letter_table(found)] if found else []), listing.total(len(found)), sep="\n")
    else:
        causes = run(while_read(listing.grouped(letters, chosen)))
        if with_table:
            total = listing.total(sum(cause.count for cause in causes), groups=len(causes))
            console.print(*([listing.group_table(causes)] if causes else []), total, sep="\n")
        else:
            for cause in causes:
                write_line(listing.group_line(cause))


@app.command()
def show(
    letter: Annotated[
        str, typer.Argument(metavar="ID", help="A document's id, or topic/partition/offset of letter or document.")
    ],
    as_bytes: Annotated[bool, typer.Option("--bytes", help="Only the original value, as it was: to a file.")] = False,
    as_json: AsJson = False,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """Show one dead letter: why, where, when, its headers, traceback and the start of its body."""
    from services.dead_letters import showing
    from services.dead_letters.letters import read_letters

    if as_bytes and is_tty():
        fail("--bytes writes whatever is in the document: send it to a file or a pipe, as in --bytes > body", status=2)
    found = run(while_read(showing.find(read_letters(kafka_settings(bootstrap_servers)), letter)))
    if as_bytes:
        write(found.letter.record.value or b"")
    elif as_json or not is_tty():
        write_line(showing.letter_json(found.letter))
    else:
        for line in showing.letter_lines(found.letter):
            console.print(line, soft_wrap=True)
    if found.letter.record.value is None:
        note("The record's value is null.")
    if found.older:
        note(f"This is the newest of {found.older + 1} dead letters; `tagwire dead-letters list --each` has all.")


@app.command()
def redrive(
    reason: Reasons = None,
    since: Since = None,
    until: Until = None,
    ids: Ids = None,
    fingerprint: Fingerprints = None,
    is_dry: Annotated[bool, typer.Option("--dry-run", help="Send nothing; say how many would now pass.")] = False,
    send_all: Annotated[
        bool, typer.Option("--all", help="Send also what would die again, or come behind a newer version.")
    ] = False,
    rate: Annotated[float | None, typer.Option(min=0.001, metavar="N", help="Documents a second, at most.")] = None,
    max_replays: Annotated[int, typer.Option(min=1, metavar="N", help="Leave alone what was put back so often.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="A letter a line; the summary on standard error.")] = False,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """
    Put dead letters back where they came from, if they now pass. This release is tried on each of them first.

    What was put back before is known by its content and not sent twice, as far back as documents.raw is kept.
    """
    from services.dead_letters import redriving
    from services.dead_letters.redrive import Rules
    from services.dead_letters.redrive import redrive as put_back
    from services.telemetry.logs import configure_logs
    from services.worker.settings import WorkerSettings

    configure_logs("error")
    chosen = _selection(reason, since, until, ids, fingerprint)
    rules = Rules(max_replays=max_replays, is_forced=send_all, is_dry=is_dry, rate=rate)
    kafka, worker = kafka_settings(bootstrap_servers), settings(WorkerSettings)
    with progress() as seen:
        report = run(put_back(kafka, worker, chosen, rules, on_progress=seen))
    if as_json:
        for candidate in report.candidates:
            write_line(redriving.candidate_line(candidate))
    for warning in redriving.warnings(report):
        note(warning)
    for line in redriving.summary(report, rules):
        if as_json:
            note(line)
        else:
            console.print(line, soft_wrap=True)


def _selection(
    reasons: list[str] | None,
    since: str | None,
    until: str | None,
    ids: list[str] | None,
    fingerprints: list[str] | None,
) -> Any:
    from services.dead_letters import letters

    now_ms = int(time.time() * 1000)
    with usage(ValueError):
        return letters.Selection(
            reasons=letters.reasons(reasons or []),
            ids=frozenset(ids or []),
            fingerprints=frozenset(fingerprints or []),
            since_ms=letters.moment(since, now_ms=now_ms) if since else None,
            until_ms=letters.moment(until, now_ms=now_ms) if until else None,
        )


async def _write_lines(lines: AsyncGenerator[bytes]) -> None:
    async with contextlib.aclosing(lines):
        async for line in lines:
            write_line(line)
