"""`tagwire insights`: what is bursting, and which documents are one story."""

from typing import Annotated

import typer

from services.cli.options import Bootstrap, LogLevel, group, kafka_settings, settings
from services.cli.running import run_until_told

app = group()


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
