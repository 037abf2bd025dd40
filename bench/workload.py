"""The documents that are measured with: generated, seeded, nobody's texts. It needs the standard library only."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

WORDS: Final = Path(__file__).with_name("words.txt")
DISTINCT: Final = 500
"""Different documents; a topic holds them by turns, under different keys."""
PLACES: Final = (
    *("Libya", "Kenya", "Peru", "Norway", "Hanoi", "Toronto", "Mali", "Osaka", "Marseille", "Texas"),
    *("Damascus", "Brazil", "Tripoli", "Warsaw", "Jakarta", "Chad", "Lagos", "Georgia", "Berlin", "Colombia"),
)
SUBJECTS: Final = (
    *("a roadside bomb", "counter-terrorism police", "parliamentary elections", "oil exports", "new sanctions"),
    *("the prime minister", "the central bank", "human rights groups", "an air strike", "the refugee camp"),
    *("a drug cartel", "the stock exchange", "the health ministry", "the supreme court", "a cyber attack"),
    *("peace talks", "the football federation", "heavy floods", "the railway company", "a climate summit"),
)
SUBJECT_SHARE: Final = 0.3
"""Of the sentences."""
PLACE_SHARE: Final = 0.3
SHORTEST_SENTENCE: Final = 60
SCRIPT: Final = "window.layer=window.layer||[];function track(a,b){layer.push({event:a,value:b,at:Date.now()})};"
STYLE: Final = ".slot{margin:0 auto;padding:4px}"


@dataclass(frozen=True, slots=True)
class Workload:
    """Documents of one kind, and what is done to each."""

    name: str
    function: str
    """One of `bench.functions`."""
    document: Callable[[int], bytes]
    """The value of a raw record, by its number among the different ones."""
    documents: int
    """How many make a run of some five seconds on two cores."""

    def values(self) -> list[bytes]:
        return [self.document(number) for number in range(min(DISTINCT, self.documents))]


def envelope(number: int, size_bytes: int) -> bytes:
    """Return a JSON envelope with a text of so many bytes. It has no id, so a document is known by its record's key."""
    return json.dumps({"source": "bench", "body": article(number, size_bytes)}).encode()


def article(number: int, size_bytes: int) -> str:
    """Return paragraphs of words as often as in news, with places and subjects among them. It compresses as prose."""
    chance = random.Random(number)
    sentences = [_sentence(chance) for _ in range(size_bytes // SHORTEST_SENTENCE + 1)]
    return "\n\n".join(" ".join(sentences[at : at + 4]) for at in range(0, len(sentences), 4))[:size_bytes]


def page(number: int, size_bytes: int = 5_000) -> bytes:
    """Return a news page of some 60 KB that holds an article of so many bytes, and what sites put around one."""
    chance = random.Random(number)
    title = _sentence(chance).rstrip(".")
    paragraphs = "\n".join(f"<p>{paragraph}</p>" for paragraph in article(number, size_bytes).split("\n\n"))
    metadata = {"@type": "NewsArticle", "headline": title, "datePublished": "2026-03-01T08:00:00Z"}
    sections = " ".join(f'<li class="menu-item"><a href="/{word}/">{word}</a></li>' for word in _some(chance, 60))
    teasers = "\n".join(_teaser(chance, at) for at in range(45))
    comments = "\n".join(
        f'<div class="comment"><b>{_name(chance)}</b><p>{_sentence(chance)}</p></div>' for _ in "x" * 15
    )
    scripts = "\n".join(f"<script>{SCRIPT * 8}track('slot-{at}',{at})</script>" for at in range(14))
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} | The Generated Post</title>
<meta property="og:title" content="{title}"><meta property="og:site_name" content="The Generated Post">
<script type="application/ld+json">{json.dumps(metadata)}</script><style>{STYLE * 60}</style>
{scripts}</head><body class="post">
<div class="cookie-banner"><p>We use cookies to improve your visit.</p><button>Accept all</button></div>
<header><nav class="menu"><ul>{sections}</ul></nav><form><input name="q"><button>Search</button></form></header>
<main><article><h1>{title}</h1><div class="byline">By {_name(chance)}</div>
<div class="share"><a href="#s">Share</a> <a href="#t">Post</a> <a href="#m">Mail</a></div>
<figure><img src="/{number}.jpg" alt=""><figcaption>{_sentence(chance)}</figcaption></figure>
{paragraphs}
<div class="newsletter"><p>Sign up for our newsletter.</p></div></article>
<aside class="related"><h2>Read next</h2>{teasers}</aside><section class="comments">{comments}</section></main>
<footer><ul>{sections}</ul><p>© The Generated Post. All rights reserved.</p></footer></body></html>""".encode()


TEXT_5_KB: Final = Workload("text 5 KB", "annotate", lambda number: envelope(number, 5_000), 40_000)
PLUMBING: Final = (
    TEXT_5_KB,
    Workload("text 1 KB", "annotate", lambda number: envelope(number, 1_000), 120_000),
    Workload("text 50 KB", "annotate", lambda number: envelope(number, 50_000), 6_000),
    Workload("HTML page", "clean_page", page, 800),
)
"""Of the same function in every system."""
WHOLE_JOB_TEXT: Final = Workload("text 5 KB", "whole_job", lambda number: envelope(number, 5_000), 4_000)
WHOLE_JOB_PAGES: Final = Workload("HTML page", "whole_job", page, 700)


def _sentence(chance: random.Random) -> str:
    words = _some(chance, 18)
    if chance.random() < SUBJECT_SHARE:
        words[chance.randrange(1, 18)] = chance.choice(SUBJECTS)
    if chance.random() < PLACE_SHARE:
        words.append(f"in {chance.choice(PLACES)}")
    return f"{words[0].capitalize()} {' '.join(words[1:])}."


def _teaser(chance: random.Random, at: int) -> str:
    return (
        f'<div class="teaser slot"><a href="/story-{at}"><img src="/{at}.jpg" alt=""><h3>{_sentence(chance)}</h3></a>'
        f'<span class="kicker">{chance.choice(PLACES)}</span><p class="lead">{_sentence(chance)}</p></div>'
    )


def _name(chance: random.Random) -> str:
    return " ".join(word.capitalize() for word in _some(chance, 2))


def _some(chance: random.Random, count: int) -> list[str]:
    words, weights = _vocabulary()
    return chance.choices(words, cum_weights=weights, k=count)


@cache
def _vocabulary() -> tuple[list[str], list[float]]:
    """Return the words, the most frequent first, and their weights after Zipf, summed up."""
    words = WORDS.read_text().split()
    weights = [0.0]
    for rank in range(len(words)):
        weights.append(weights[-1] + 1 / (rank + 3))
    return words, weights[1:]
