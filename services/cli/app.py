"""The `tagwire` command: each sub-command reads its settings and calls a service."""

import logging
import os
import sys
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated

import typer

from services.cli import dead_letters, feed, insights, local, monitoring, schemas, stream, topics
from services.cli.printing import ReaderGoneError, console, fail, flush, forget_output

app = typer.Typer(
    no_args_is_help=True,
    # Typer's boxes show types instead of words, and cut what does not fit into 80 columns.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(local.app)
app.add_typer(stream.app)
app.add_typer(insights.app)
app.add_typer(monitoring.app)
app.add_typer(feed.app, name="feed")
app.add_typer(topics.app, name="topics")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(schemas.app, name="schemas")


def _version(is_asked: bool) -> None:
    if is_asked:
        console.print(version("tagwire"))
        raise typer.Exit


@app.callback()
def tagwire(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Turns raw news documents into clean, enriched, tagged ones while they flow through Kafka."""


def main() -> None:
    """Run the command; what a user can mend is one sentence on standard error and status 1."""
    _open_standard_streams()
    # What a client has to say while it tries stands in the error it ends with; the worker sets up its own logs.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        try:
            app()
        finally:
            flush()
    except ReaderGoneError:
        forget_output()
        sys.exit(0)
    except Exception as error:
        from services.kafka.errors import explained

        sentence = explained(error)
        if sentence is None:
            raise
        fail(sentence, status=1)


def _open_standard_streams() -> None:
    """Put the null device in the place of streams that were closed (`>&-`): else the next file would have it."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
            setattr(sys, name, os.fdopen(number, mode))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # what a terminal's encoding cannot say is a question mark
