"""The blocks of a page -> which of them are the article, by a small model of how pages are laid out."""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson

from services.core.block_features import FEATURES, features
from services.core.page_blocks import PageBlocks

SURE: Final = 0.1
"""Score (log odds) above which a block is kept."""
FAR: Final = 1.5
"""On a page of an unusual layout no score may be high. There what is no farther than this from the best is kept."""

LEAST: Final = -1.0
"""Below this nothing is kept, whatever else the page holds: it may well hold no article."""


def main_text(page: PageBlocks) -> list[bool]:
    """Return for each block whether it belongs to the article."""
    score = _model()
    scores = [None if row is None else score(*row) for row in features(page)]
    best = max((found for found in scores if found is not None), default=0.0)
    sure = min(SURE, max(best - FAR, LEAST))
    return [found is not None and found > sure for found in scores]


@cache
def _model() -> Callable[..., float]:
    """Return the model as a function of a block's features."""
    model = orjson.loads(files("services.core").joinpath("data/main_text.json").read_bytes())
    if tuple(model["features"]) != FEATURES:
        raise ValueError("data/main_text.json was trained on other features: run training/main_text.py")
    # Compiled, the trees take two fifths of the time that walking them takes. All that is put in are numbers.
    source = " + ".join(_expression(tree) for tree in model["trees"])
    return eval(f"lambda {', '.join(FEATURES)}: {source}")  # type: ignore[no-any-return]  # noqa: S307


def _expression(tree: Any) -> str:
    """Return a tree as an expression; a branch is feature, threshold, then what holds up to it and above it."""
    if not isinstance(tree, list):
        return repr(float(tree))
    feature, threshold, up_to, above = tree
    return f"({_expression(up_to)} if {FEATURES[int(feature)]} <= {float(threshold)!r} else {_expression(above)})"
