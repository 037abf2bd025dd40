"""A topic definition: one YAML file, reviewable in a pull request, with its tests inside."""

from typing import Annotated

from pydantic import ConfigDict, Field

from schemas.documents import Mapping, Model, Slug, TagKind

Phrase = Annotated[str, Field(min_length=1, max_length=200)]


class Strict(Model):
    """Part of a definition: a misspelt field is an error here, for no one else would notice it."""

    model_config = ConfigDict(extra="forbid")


class FieldWeights(Strict):
    """What a term's weight is multiplied with, by where it stands."""

    title: Annotated[float, Field(ge=0)] = 3.0
    """In the title or a highlight."""
    lead: Annotated[float, Field(ge=0)] = 2.0
    """In the first 600 characters of the text."""
    body: Annotated[float, Field(ge=0)] = 1.0


class Example(Strict):
    """A short document that must, or must not, get the tag."""

    title: str | None = None
    text: str = ""


class Examples(Strict):
    match: tuple[Example, ...] = ()
    no_match: tuple[Example, ...] = ()


class TopicDefinition(Strict):
    """Everything that decides about one tag."""

    id: Slug
    label: str
    kind: TagKind = TagKind.TOPIC
    description: str
    """What a document must be about to get the tag, for people."""
    threshold: Annotated[float, Field(gt=0)]
    """Points needed."""
    terms: dict[Phrase, float]
    """Phrase -> points for one mention in the body. Case does not matter; a `*` at a phrase's end stands for any
    ending of its last word. The longest phrase at a place wins, so a longer one of 0 points masks a shorter one;
    negative points speak against the tag."""
    weights: FieldWeights = FieldWeights()
    cap: Annotated[int, Field(ge=1)] = 3
    """How many mentions of the same term count."""
    require: tuple[tuple[Phrase, ...], ...] = ()
    """Of each group, at least one phrase must occur."""
    exclude: tuple[Phrase, ...] = ()
    """Any of these phrases in the title or the lead forbids the tag."""
    mappings: tuple[Mapping, ...] = ()
    route: bool = False
    """Whether the tag has a topic of its own, `tags.<id>`."""
    examples: Examples = Examples()
