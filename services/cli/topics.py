"""`tagwire topics`: create and compare."""

from typing import Annotated, Any

import typer

from services.cli.options import Bootstrap, group, kafka_settings
from services.cli.printing import console
from services.cli.running import run

app = group("Create and compare the Kafka topics.")

Partitions = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Partitions of each topic; otherwise 12, and 1 of `workers`."),
]


@app.command()
def create(
    partitions: Partitions = None,
    replication: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Copies of each partition; otherwise 3, or as many as there are brokers, if fewer."
        ),
    ] = None,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """Create the topics that are missing, and say what differs in those that exist."""
    from schemas.topics import all_topics
    from services.core.taxonomy import shipped_routes
    from services.kafka.admin import create_topics

    kafka = kafka_settings(bootstrap_servers)
    created = run(create_topics(kafka, all_topics(shipped_routes()), partitions=partitions, replication=replication))
    for name in created:
        console.print(f"created  {name}")
    _compare(kafka, partitions)


@app.command()
def compare(partitions: Partitions = None, bootstrap_servers: Bootstrap = None) -> None:
    """Compare the cluster's topics with the list. Status 1 when something is missing or differs."""
    raise typer.Exit(0 if _compare(kafka_settings(bootstrap_servers), partitions) else 1)


def _compare(kafka: Any, partitions: int | None) -> bool:
    from schemas.topics import all_topics
    from services.core.taxonomy import shipped_routes
    from services.kafka.admin import compare_topics

    reports = run(compare_topics(kafka, all_topics(shipped_routes()), partitions=partitions))
    for report in reports:
        state = "missing" if not report.exists else "differs" if report.differences else "ok"
        console.print(f"{state:<8} {report.name}")
        for difference in report.differences:
            console.print(f"         {difference}")
    return all(report.exists and not report.differences for report in reports)
