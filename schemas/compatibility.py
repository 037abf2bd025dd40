"""Two versions of a JSON Schema -> what would break between them. Only a new optional field is compatible."""

from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

# They tell people about a field; they do not decide what is valid or what a missing field means.
_ANNOTATIONS: Final = frozenset({"$comment", "$defs", "$id", "$schema", "description", "examples", "title"})


def breaking_changes(released: Schema, current: Schema) -> list[str]:
    """
    Return one line for each change that may break someone who relies on the released schema, in order of path.

    Compatible: a new field that is not required, another description, and a further value of an enum (readers are told
    to expect them). Breaking is all else, for whoever reads or whoever writes: a field removed, another type, a field
    required that was not or the other way round, an enum value gone, another limit, pattern, format or default.
    Understands what pydantic writes: local `$ref`, `properties`, `items`, `additionalProperties`, `anyOf`.
    """
    return sorted(_Comparison(released, current).changes("document", released, current))


class _Comparison:
    """Two whole schemas, in which references are looked up; each pair of references is compared once."""

    def __init__(self, released: Schema, current: Schema) -> None:
        self._released = released
        self._current = current
        self._compared: set[tuple[str, str]] = set()

    def changes(self, path: str, old: Schema, new: Schema) -> list[str]:
        pair = (str(old.get("$ref", "")), str(new.get("$ref", "")))
        if all(pair):
            if pair in self._compared:
                return []
            self._compared.add(pair)
        old, new = _resolved(old, self._released), _resolved(new, self._current)
        found: list[str] = []
        for keyword in sorted((old.keys() | new.keys()) - _ANNOTATIONS):
            found += self._keyword_changes(path, keyword, old.get(keyword), new.get(keyword))
        return found

    def _keyword_changes(self, path: str, keyword: str, old: Any, new: Any) -> list[str]:
        match keyword, old, new:
            case "properties", dict(), dict():
                removed = [f"{path}.{name}: removed" for name in old.keys() - new.keys()]
                kept = (self.changes(f"{path}.{name}", old[name], new[name]) for name in old.keys() & new.keys())
                return [*removed, *(change for changes in kept for change in changes)]
            case "required", _, _:
                before, after = set(old or ()), set(new or ())
                return [
                    *(f"{path}.{name}: newly required" for name in after - before),
                    *(f"{path}.{name}: no longer required" for name in before - after),
                ]
            case "enum", list(), list():
                return [f"{path}: no longer allows {value!r}" for value in old if value not in new]
            case "items" | "additionalProperties", dict(), dict():
                return self.changes(f"{path}[]", old, new)
            case "anyOf", list(), list() if len(old) == len(new):
                choices = (self.changes(path, before, after) for before, after in zip(old, new, strict=True))
                return [change for changes in choices for change in changes]
            case _:
                return [] if old == new else [f"{path}: {keyword} was {_told(old)}, is {_told(new)}"]


def _resolved(schema: Schema, whole: Schema) -> Schema:
    """Replace a local reference by what it refers to, and `const` by the `enum` of one value that it is short for."""
    while "$ref" in schema:
        target: Schema = whole
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        schema = {**target, **{name: value for name, value in schema.items() if name != "$ref"}}
    if "const" in schema:
        schema = {**{name: value for name, value in schema.items() if name != "const"}, "enum": [schema["const"]]}
    return schema


def _told(value: Any) -> str:
    return "absent" if value is None else repr(value)
