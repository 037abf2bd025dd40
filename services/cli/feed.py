"""`tagwire feed`: where documents may come from, written as `tagwire publish -` reads them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from services.cli.options import group, usage
from services.cli.printing import write

app = group("Write documents as JSON Lines, for `tagwire publish -`.")

LINES_AT_ONCE = 500


@app.callback()
def feed() -> None:
    """Write documents as JSON Lines, for `tagwire publish -`."""


@app.command()
def generated(
    days: Annotated[int, typer.Option(min=2, max=27, metavar="N", help="Days that the stream covers.")] = 14,
    per_day: Annotated[int, typer.Option(min=1, metavar="N", help="Ordinary reports of a weekday.")] = 30,
    bursts: Annotated[int, typer.Option(min=0, metavar="N", help="Bursts; the last one goes on at the end.")] = 1,
    waves: Annotated[int, typer.Option(min=0, metavar="N", help="Reports that many papers copy.")] = 1,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed and end give the same documents.")] = 1,
    end: Annotated[
        datetime | None, typer.Option(metavar="TIME", help="Where the stream ends, UTC: 2026-01-31T08:00:00. Else now.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the bursts and stories there, as JSON.")
    ] = None,
) -> None:
    """
    Invent news over days, with bursts and stories that are known.

    All of it is published within seconds, and dated so that it fills the days before the end:
    `tagwire feed generated | tagwire publish -`.
    """
    import orjson

    from services.feed import generated as news

    until = (end or datetime.now(UTC)).replace(microsecond=0)
    with usage(ValueError):
        stream = news.generated(
            seed=seed,
            end=until.replace(tzinfo=UTC) if until.tzinfo is None else until.astimezone(UTC),
            days=days,
            per_day=per_day,
            bursts=bursts,
            waves=waves,
        )
    if truth:
        truth.write_bytes(
            orjson.dumps(
                {
                    "bursts": stream.bursts,
                    "waves": stream.waves,
                    "stories": stream.stories,
                    "rewrites": stream.rewrites,
                },
                option=orjson.OPT_INDENT_2,
            )
        )
    lines = [document.model_dump_json(exclude_defaults=True).encode() + b"\n" for document in stream.documents]
    for start in range(0, len(lines), LINES_AT_ONCE):
        write(b"".join(lines[start : start + LINES_AT_ONCE]))
