"""YAML definitions -> Taxonomy: every topic definition, checked and compiled into one matcher."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import yaml
from pydantic import ValidationError

from schemas.taxonomy import FieldWeights, PlaceRules, TopicDefinition
from services.core.gazetteer import load_gazetteer
from services.core.matching import ANY_ENDING, PhraseMatcher, fold

_Checked = TypeVar("_Checked", TopicDefinition, PlaceRules)

SHIPPED: Final = Path(__file__).parent / "definitions"

PLACE_RULES_FILE: Final = "places.yaml"
"""In a folder of definitions: the rule for all countries, where every other file is one topic."""


class TaxonomyError(ValueError):
    """A definition is wrong; the message names the file, the field and what was expected there."""


class Country(Protocol):
    """What a place tag needs to know of a country."""

    @property
    def name(self) -> str: ...
    @property
    def slug(self) -> str: ...


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A phrase with points, in one definition. Equal to itself only, which makes it a quick key."""

    definition: int
    """Index into `Taxonomy.definitions`."""
    signal: str
    """As written in the definition."""
    points: float


@dataclass(frozen=True, slots=True, eq=False)
class Taxonomy:
    """A compiled set of definitions. Phrases are known by their index in the matcher."""

    definitions: tuple[TopicDefinition, ...]
    """In order of their ids."""
    place_rules: PlaceRules
    countries: Mapping[str, Country]
    """By ISO 3166-1 alpha-2 code. A country that is not here gets no tag."""
    version: str
    """SHA-256 of the definitions and place rules, whatever files and order they came in."""
    routed: frozenset[str]
    """Ids of the tags that have a topic of their own."""
    matcher: PhraseMatcher
    """Of two phrases that end up at the same words, the lower index says more: `terrorist` than `terror*`."""
    terms: tuple[tuple[Term, ...], ...]
    """For each phrase, the terms that it is, in whichever definitions."""
    weights: tuple[tuple[float, float, float, float], ...]
    """For each definition, what points are multiplied with in title, highlight, lead and body."""
    require: tuple[tuple[frozenset[int], ...], ...]
    """For each definition, groups of phrases."""
    exclude: tuple[frozenset[int], ...]
    """For each definition, phrases."""


def load_taxonomy() -> Taxonomy:
    """Return the taxonomy that ships with tagwire."""
    return compile_taxonomy(load_definitions(SHIPPED), load_place_rules(SHIPPED), load_gazetteer().countries)


def shipped_routes() -> frozenset[str]:
    """Return the shipped tags that have a topic of their own, without compiling anything."""
    topics = (definition.id for definition in load_definitions(SHIPPED) if definition.route)
    return frozenset(topics) | frozenset(load_place_rules(SHIPPED).routed)


def load_definitions(folder: Path) -> tuple[TopicDefinition, ...]:
    """
    Read every `*.yaml` of a folder but `places.yaml`, in order of their names.

    A file bears the name of its id. Raises TaxonomyError for the first file that is wrong, telling all that is wrong.
    """
    definitions = []
    for path in sorted(folder.glob("*.yaml")):
        if path.name == PLACE_RULES_FILE:
            continue
        definition = _parse(path, TopicDefinition)
        if definition.id != path.stem:
            raise TaxonomyError(f"{path.name}: id: expected {path.stem!r} as the file is named, got {definition.id!r}")
        definitions.append(definition)
    return tuple(definitions)


def load_place_rules(folder: Path) -> PlaceRules:
    """Read `places.yaml` of a folder of definitions. Raises TaxonomyError."""
    return _parse(folder / PLACE_RULES_FILE, PlaceRules)


def compile_taxonomy(
    definitions: Iterable[TopicDefinition], place_rules: PlaceRules, countries: Mapping[str, Country]
) -> Taxonomy:
    """
    Return the definitions ready for `classify`; their order does not matter.

    Raises TaxonomyError when an id is there twice or is a country's, when a definition has a term twice, and when
    a routed country is not among the countries.
    """
    ordered = tuple(sorted(definitions, key=lambda definition: definition.id))
    slugs = {country.slug for country in countries.values()}
    _check_ids(ordered, slugs)
    if unknown := sorted(set(place_rules.routed) - slugs):
        raise TaxonomyError(f"{PLACE_RULES_FILE}: routed: expected slugs of countries, got {', '.join(unknown)}")

    phrases = sorted({fold(phrase) for each in ordered for phrase in _phrases(each)}, key=_rank)
    index = {phrase: number for number, phrase in enumerate(phrases)}
    terms: list[list[Term]] = [[] for _ in phrases]
    for number, definition in enumerate(ordered):
        for signal, points in definition.terms.items():
            same = terms[index[fold(signal)]]
            if any(term.definition == number for term in same):
                raise TaxonomyError(f"{definition.id}.yaml: terms: {signal!r} is there twice")
            same.append(Term(number, signal, points))
    return Taxonomy(
        definitions=ordered,
        place_rules=place_rules,
        countries=countries,
        version=_version(ordered, place_rules),
        routed=frozenset(each.id for each in ordered if each.route) | frozenset(place_rules.routed),
        matcher=PhraseMatcher(phrases),
        terms=tuple(tuple(same) for same in terms),
        weights=tuple(by_zone(each.weights) for each in ordered),
        require=tuple(
            tuple(frozenset(index[fold(phrase)] for phrase in group) for group in each.require) for each in ordered
        ),
        exclude=tuple(frozenset(index[fold(phrase)] for phrase in each.exclude) for each in ordered),
    )


def by_zone(weights: FieldWeights) -> tuple[float, float, float, float]:
    """Return the weights in the order of a document: title, highlight, lead, body."""
    return weights.title, weights.highlight, weights.lead, weights.body


def _check_ids(definitions: tuple[TopicDefinition, ...], slugs: set[str]) -> None:
    for tag, count in Counter(definition.id for definition in definitions).items():
        if count > 1:
            raise TaxonomyError(f"id: {tag!r} is there {count} times")
        if tag in slugs:
            raise TaxonomyError(f"{tag}.yaml: id: {tag!r} is the tag of a country")


def _phrases(definition: TopicDefinition) -> Iterable[str]:
    yield from definition.terms
    yield from definition.exclude
    for group in definition.require:
        yield from group


def _rank(phrase: str) -> tuple[int, bool, str]:
    """Sort phrases so that of two which end up at the same words, the first says more."""
    bare = phrase.removesuffix(ANY_ENDING)
    return -len(bare), bare != phrase, phrase


def _version(definitions: tuple[TopicDefinition, ...], place_rules: PlaceRules) -> str:
    # Without defaults, so that a field which a later tagwire adds does not give old definitions a new name.
    content = {
        "definitions": [definition.model_dump(mode="json", exclude_defaults=True) for definition in definitions],
        "places": place_rules.model_dump(mode="json", exclude_defaults=True),
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml is ten times faster, where it is
    """YAML without silent loss: of a key that is there twice, PyYAML would keep the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} is there twice", problem_mark=key.start_mark)
            seen.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping


def _parse(path: Path, model: type[_Checked]) -> _Checked:
    try:
        content = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506  # a subclass of the safe loader
        return model.model_validate(content)
    except FileNotFoundError:
        raise TaxonomyError(f"{path.name}: expected in {path.parent}, and is not there") from None
    except yaml.YAMLError as error:
        raise TaxonomyError(f"{path.name}: no valid YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise TaxonomyError("; ".join(_complaints(path.name, error))) from None


def _complaints(file: str, error: ValidationError) -> Iterable[str]:
    for detail in error.errors(include_url=False):
        field = ".".join(str(part) for part in detail["loc"]) or "file"
        shown = "" if detail["type"] == "missing" else f", got {str(detail['input'])[:80]!r}"
        yield f"{file}: {field}: {detail['msg']}{shown}"
