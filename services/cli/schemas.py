"""`tagwire schemas`: the contracts, for a checkout of the repository."""

from typing import Annotated

import typer

from services.cli.options import group

app = group("The contracts as JSON Schema and AsyncAPI.")


@app.command()
def export(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; status 1 when a file is stale.")] = False,
    release: Annotated[
        bool, typer.Option("--release", help="Make the present JSON Schemas those of the last release, too.")
    ] = False,
) -> None:
    """Write schemas/exported/ from the models: JSON Schemas and an AsyncAPI 3 document."""
    from schemas.export import main as write

    raise typer.Exit(write([*(["--check"] if check else []), *(["--release"] if release else [])]))
