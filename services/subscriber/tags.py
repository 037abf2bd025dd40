"""Tag ids that a user gives -> known ones, or what may have been meant."""

from collections.abc import Iterable
from difflib import get_close_matches

from services.core.gazetteer import load_gazetteer
from services.core.taxonomy import SHIPPED, load_definitions


def check_tags(tags: Iterable[str]) -> None:
    """Raise ValueError for the first tag that no document of this release can have."""
    topics = {definition.id for definition in load_definitions(SHIPPED)}
    if not (others := [tag for tag in tags if tag not in topics]):
        return
    # Only now: the gazetteer takes a second.
    known = topics | {country.slug for country in load_gazetteer().countries.values()}
    for tag in others:
        if tag not in known:
            near = _near("-".join(tag.lower().split()), sorted(known))
            hint = f"did you mean {' or '.join(near)}?" if near else f"topics are {', '.join(sorted(topics))}"
            raise ValueError(f"--tag {tag}: there is no such tag; {hint}")


def _near(word: str, known: list[str]) -> list[str]:
    # Letters that changed places are a common slip, and difflib takes other words for nearer.
    return [each for each in known if sorted(each) == sorted(word)] or get_close_matches(word, known)[:2]
