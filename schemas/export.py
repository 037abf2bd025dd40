"""
Models and topics -> schemas/exported: a JSON Schema for each model, and an AsyncAPI document of the topics.

`tagwire schemas export` writes them. `--check` writes nothing and exits with 1 when a file is not what the models
say. `--release` also copies the JSON Schemas to schemas/released, with which those of later versions are compared.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from pydantic.json_schema import GenerateJsonSchema

from schemas.asyncapi import SCHEMA_FILES, asyncapi
from schemas.documents import Model, RawDocument
from schemas.taxonomy import TopicDefinition

EXPORTED: Final = Path(__file__).parent / "exported"
RELEASED: Final = Path(__file__).parent / "released"

ASYNCAPI_FILE: Final = "asyncapi.json"

# What others write is described as it may come; what tagwire writes, as it always is.
_WRITTEN_BY_OTHERS: Final = (RawDocument, TopicDefinition)


def exported() -> dict[str, str]:
    """Return each file's name and text. The same models give the same bytes."""
    documents: dict[str, Mapping[str, Any]] = {name: json_schema(model) for model, name in SCHEMA_FILES.items()}
    documents["topic-definition.schema.json"] = json_schema(TopicDefinition)
    documents[ASYNCAPI_FILE] = asyncapi()
    return {
        name: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for name, document in sorted(documents.items())
    }


def json_schema(model: type[Model]) -> dict[str, Any]:
    """Return the JSON Schema 2020-12 of a model, with an `$id` that leads nowhere and stays the same."""
    mode: Literal["validation", "serialization"] = "validation" if model in _WRITTEN_BY_OTHERS else "serialization"
    name = "".join(f"-{char.lower()}" if char.isupper() else char for char in model.__name__).removeprefix("-")
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:tagwire:{name}:v1",
        **model.model_json_schema(mode=mode),
    }


def stale(folder: Path) -> list[str]:
    """Return the names of the files that are missing, differ or are left over."""
    wanted = exported()
    present = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def write(folder: Path) -> list[str]:
    """Make the folder hold what the models say, and return the names of the files that changed."""
    folder.mkdir(exist_ok=True)
    changed, wanted = stale(folder), exported()
    for name in changed:
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return changed


def release() -> None:
    """Make the present JSON Schemas those of the last release."""
    RELEASED.mkdir(exist_ok=True)
    for name, text in exported().items():
        if name != ASYNCAPI_FILE:
            (RELEASED / name).write_text(text, encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    if unknown := set(arguments) - {"--check", "--release"}:
        sys.stderr.write(f"expected --check or --release, got {' '.join(sorted(unknown))}\n")
        return 2
    if "--check" in arguments:
        for name in (names := stale(EXPORTED)):
            sys.stderr.write(f"schemas/exported/{name} is not what the models say: run `tagwire schemas export`\n")
        return 1 if names else 0
    for name in write(EXPORTED):
        sys.stdout.write(f"schemas/exported/{name}\n")
    if "--release" in arguments:
        release()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
