"""Pydantic's ValidationError -> one line for the one who sent the document."""

from collections.abc import Iterable
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

# How much of an offending value, of a field's path and of the whole explanation a message repeats.
_SHOWN_VALUE: Final = 60
_SHOWN_PATH: Final = 100
_SHOWN_ERRORS: Final = 3


def explanation(error: ValidationError) -> str:
    """Say which fields are wrong, what was expected and what came, without repeating the document."""
    errors = error.errors(include_url=False, include_context=False)
    told = "; ".join(_told(detail) for detail in errors[:_SHOWN_ERRORS])
    more = len(errors) - _SHOWN_ERRORS
    return f"{told}; and {more} more" if more > 0 else told


def _told(detail: ErrorDetails) -> str:
    path = _path(detail["loc"])
    if detail["type"] == "missing":
        return f"{path}: required, but missing"
    expected = detail["msg"].removeprefix("Value error, ").replace("Input should be", "expected", 1)
    if detail["type"] in {"json_invalid", "value_error"}:
        return f"{path}: {expected}"
    return f"{path}: {expected}; got {shown(detail['input'])}"


def _path(parts: Iterable[str | int]) -> str:
    path = ".".join(str(part)[:_SHOWN_PATH] for part in parts)[:_SHOWN_PATH]
    return path or "document"


def shown(value: object) -> str:
    """Return a value of a JSON text so that a message may quote it: short, whatever came."""
    match value:
        case dict():
            return "an object"
        case list():
            return "an array"
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case str() | bytes() if len(value) > _SHOWN_VALUE:
            return f"{value[:_SHOWN_VALUE]!r} and {len(value) - _SHOWN_VALUE} more"
        case _:
            return repr(value)
