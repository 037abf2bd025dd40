"""`tagwire insights`, `trends` and `story`: what bursts, and which documents are one story."""

from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from services.cli.options import AsJson, Bootstrap, LogLevel, group, kafka_settings, settings
from services.cli.printing import console, fail, is_tty, note, waiting, write_line
from services.cli.running import run, run_until_told, while_read

if TYPE_CHECKING:
    from services.insights.kept import Kept

app = group()

CLIENT_ID = "tagwire-insights-view"


@app.command()
def insights(
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, metavar="PORT", help="Otherwise TAGWIRE_INSIGHTS_HTTP_PORT, or 8060."),
    ] = None,
    bootstrap_servers: Bootstrap = None,
    log_level: Annotated[
        LogLevel, typer.Option(metavar="LEVEL", help="What is logged at least: debug, info, warning or error.")
    ] = LogLevel.INFO,
) -> None:
    """
    Find bursts of tags, and stories, in documents.classified. Runs until told to stop; several share the load.

    Writes trends and stories, and serves health, metrics and the API over HTTP.
    """
    from services.insights.service import insights as work
    from services.insights.settings import InsightSettings
    from services.telemetry.logs import configure_logs

    configure_logs(log_level)
    own = settings(InsightSettings, **({"http_port": port} if port is not None else {}))
    kafka = kafka_settings(bootstrap_servers)

    run_until_told(lambda stop: work(kafka, own, stop=stop))


@app.command()
def trends(
    tag: Annotated[str | None, typer.Argument(metavar="[TAG]", help="Only this tag, over time.")] = None,
    as_json: AsJson = False,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """
    Show which tags burst now: far more stories than the time of day and the days before let expect.

    With a tag: its stories over time beside what was expected, its bursts and their documents.
    """
    from services.insights import api, screen

    kept = _kept(bootstrap_servers)
    is_for_programs = as_json or not is_tty()
    shape: Any = {"width": console.width, "signs": screen.signs_for(console.encoding)}
    bursting = kept.bursting()
    if tag is not None:
        history = kept.history(tag)
        if history is None:
            _fail_without(tag)
        if is_for_programs:
            write_line(api.tag_detail(kept, history).model_dump_json().encode())
        else:
            _print(screen.tag_screen(history, kept.bursts(tag), is_bursting=history in bursting, **shape))
        return
    if is_for_programs:
        for each in bursting:
            write_line(api.counts(each).model_dump_json().encode())
    else:
        _print(screen.trends_screen(kept, **shape))
    if not bursting:
        note(screen.nothing_bursts(kept))


@app.command()
def story(
    document_id: Annotated[str, typer.Argument(metavar="ID", help="The id of any of its documents.")],
    as_json: AsJson = False,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """
    Show the story of a document: what was copied or rewritten from what, in time order.

    In a pipe, or with --json, a JSON line for each document. Status 1 when it is of no story.
    """
    from services.core.printable import plain
    from services.insights import api, screen

    found = _kept(bootstrap_servers).story(document_id)
    if found is None:
        fail(f"{plain(api.alone(document_id))}. `tagwire where` tells where it is.", status=1)
    if as_json or not is_tty():
        for member in found.members:
            write_line(api.member_row(member).model_dump_json().encode())
    else:
        _print(screen.story_screen(found, document_id))


def _fail_without(tag: str) -> NoReturn:
    from services.subscriber.tags import check_tags

    try:
        check_tags([tag])
    except ValueError as error:
        fail(str(error).removeprefix("--tag "), status=2)
    fail(f"no document with the tag {tag} was counted yet", status=1)


def _kept(bootstrap_servers: str | None) -> "Kept":
    from services.insights.view import read_once

    kafka = kafka_settings(bootstrap_servers)
    with waiting("reading what insights say"):
        return run(while_read(read_once(kafka, client_id=CLIENT_ID)))


def _print(parts: Any) -> None:
    for part in parts:
        console.print(part, overflow="ellipsis", no_wrap=True)
