"""A topic definition: one YAML file, reviewable in a pull request, with its tests inside."""

from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field, model_validator

from schemas.documents import Mapping, Model, Share, Slug, TagKind

Phrase = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^*\s]([^*]*[^*\s])?\*?$")]
"""Words as they stand in a text. Case does not matter; a `*` at the end stands for any ending of the last word."""

DECISIVE_POINTS: Final = 4
"""A term of so many points stands for its topic by itself; without one, `breadth` different terms must."""

Points = Annotated[float, Field(allow_inf_nan=False)]


class Strict(Model):
    """Part of a definition: a misspelt field is an error here, for no one else would notice it."""

    model_config = ConfigDict(extra="forbid")


class FieldWeights(Strict):
    """What a term's points are multiplied with, by where it stands."""

    title: Annotated[float, Field(ge=0)] = 3.0
    highlight: Annotated[float, Field(ge=0)] = 2.0
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
    threshold: Annotated[float, Field(gt=0)] = 20.0
    """Points needed by a text of 3,000 characters. A note of up to 1,000 needs 0.6 of it: by default 12, which is
    one term of 4 points in the title."""
    terms: Annotated[dict[Phrase, Points], Field(min_length=1)]
    """Phrase -> points for one mention in the body. The longest phrase at a place wins, so a longer one of 0 points
    masks a shorter one; negative points speak against the tag."""
    weights: FieldWeights = FieldWeights()
    cap: Annotated[int, Field(ge=1)] = 3
    """How many mentions of the same term count, the best placed first."""
    breadth: Annotated[int, Field(ge=1)] = 4
    """How many different terms must speak for the tag where no decisive one (4 points or more) does."""
    require: tuple[Annotated[tuple[Phrase, ...], Field(min_length=1)], ...] = ()
    """Of each group, at least one phrase must occur."""
    exclude: tuple[Phrase, ...] = ()
    """Any of these phrases in the title, a highlight or the lead forbids the tag."""
    mappings: tuple[Mapping, ...] = ()
    route: bool = False
    """Whether the tag has a topic of its own, `tags.<id>`."""
    examples: Examples = Examples()

    @model_validator(mode="after")
    def _can_be_earned(self) -> Self:
        speaking = [points for points in self.terms.values() if points > 0]
        if len(speaking) < self.breadth and max(speaking, default=0) < DECISIVE_POINTS:
            msg = (
                f"no document can earn the tag: no term has {DECISIVE_POINTS} points, so {self.breadth} different ones "
                f"are asked (breadth), and there are {len(speaking)}"
            )
            raise ValueError(msg)
        return self


class PlaceRules(Strict):
    """What makes a document be about a country: `places.yaml`. One rule for all countries."""

    threshold: Annotated[float, Field(gt=0)]
    """Points that a country's mentions need in a text of 3,000 characters."""
    share: Annotated[Share, Field(gt=0)]
    """The part of the most mentioned country's points that a country needs."""
    weights: FieldWeights = FieldWeights()
    """Points of one mention, by where it stands."""
    dateline: Annotated[float, Field(ge=0)] = 2.0
    """Points of the dateline's country, where the rest names it too seldom for the threshold, or names none."""
    routed: tuple[Slug, ...] = ()
    """Countries that have a topic of their own, by their slug."""
