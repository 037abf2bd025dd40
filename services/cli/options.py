"""What several commands take: options, and the settings that they are read into."""

import contextlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError

from services.cli.printing import fail

Settings = TypeVar("Settings")

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
Source = Annotated[str, typer.Option(metavar="NAME", help="The `source` of .txt and .html files.")]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, metavar="PORT", help="Port on 127.0.0.1; 0 for a free one.")
]
DataFolder = Annotated[Path | None, typer.Option("--data", metavar="FOLDER", help="Where topics and offsets live.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON also on a terminal, as in a pipe.")]


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def group(about: str | None = None) -> typer.Typer:
    """Return a family of commands, shown as the others are."""
    return typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)


@contextlib.contextmanager
def usage(*errors: type[Exception]) -> Iterator[None]:
    """Turn these errors into one sentence and status 2: the command was called wrongly."""
    try:
        yield
    except errors as error:
        fail(str(error), status=2)


def settings(model: type[Settings], **given: Any) -> Settings:
    """Read settings from the environment and from what the command line gives, or name the wrong ones."""
    from pydantic_settings import SettingsError

    try:
        return model(**given)
    except SettingsError as error:
        fail(str(error), status=2)
    except ValidationError as error:
        prefix = getattr(model, "model_config", {}).get("env_prefix", "")
        # Its first place is the setting, a second one which word of it is wrong; a rule about several has none.
        names = [f"{prefix}{each['loc'][0]}".upper() + ": " if each["loc"] else "" for each in error.errors()]
        said = [each["msg"].removeprefix("Value error, ") for each in error.errors()]
        wrong = "; ".join(name + message for name, message in zip(names, said, strict=True))
        fail(wrong, status=2)


def kafka_settings(bootstrap_servers: str | None) -> Any:
    from services.kafka.settings import KafkaSettings

    return settings(KafkaSettings, **({"bootstrap_servers": bootstrap_servers} if bootstrap_servers else {}))


def broker_settings(port: int | None, data: Path | None) -> Any:
    from services.kafka.embedded.broker import EmbeddedSettings

    given = {"port": port, "data_folder": data}
    return settings(EmbeddedSettings, **{name: value for name, value in given.items() if value is not None})
