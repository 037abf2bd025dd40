"""The `tagwire` command: each sub-command reads its settings and calls a service."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console

Settings = TypeVar("Settings")

app = typer.Typer(
    help="Turns raw news documents into clean, enriched, tagged ones while they flow through Kafka.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
topics_app = typer.Typer(help="Create and compare the Kafka topics.", no_args_is_help=True)
schemas_app = typer.Typer(help="The contracts as JSON Schema and AsyncAPI.", no_args_is_help=True)
app.add_typer(topics_app, name="topics")
app.add_typer(schemas_app, name="schemas")

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
LogLevel = Annotated[str, typer.Option(help="debug, info, warning or error.")]
Partitions = Annotated[int | None, typer.Option(min=1, help="Partitions of each topic; otherwise the list's number.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 for a free one.")]
DataFolder = Annotated[Path | None, typer.Option("--data", metavar="FOLDER", help="Where topics and offsets live.")]
