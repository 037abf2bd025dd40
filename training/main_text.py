"""
Train the model of services/core/main_text.py: labelled pages -> services/core/data/main_text.json.

    python -m training.main_text PAGES.jsonl.gz [--write]

PAGES is JSON Lines, gzip: rows `{"raw": RawDocument, "gold": {"text": …}}`.
Needs `pip install --group training`. Without `--write` it only cross-validates, by site.
"""

import argparse
import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import lightgbm
import numpy as np

from schemas.documents import RawDocument
from services.core.block_features import FEATURES, features
from services.core.clutter import clutter
from services.core.main_text import FAR, LEAST, SURE
from services.core.page_blocks import PageBlocks, page_blocks
from services.core.page_tree import page_tree
from services.core.rejections import Rejected

DATA: Final = Path(__file__).parent.parent / "services/core/data/main_text.json"
FOLDS: Final = 5
ROUNDS: Final = 100
LEAST_LEARNABLE: Final = 0.8
"""F1 of a page in cross-validation. Below, its gold text is more often wrong than the model, so it is not learned."""
SHORTEST_GOLD: Final = 50
MOST_WEIGHT: Final = 0.3
"""Of a block in its page, lest one block of a short page outweigh whole pages."""
PARAMETERS: Final = {
    "objective": "binary",
    "num_leaves": 8,
    "learning_rate": 0.12,
    "min_data_in_leaf": 30,
    "min_sum_hessian_in_leaf": 0.01,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "max_bin": 63,
    "monotone_constraints_method": "intermediate",
    "num_threads": 2,
    "seed": 1,
    "deterministic": True,
    "verbose": -1,
}
# What can only speak for a block, and what only against it, whatever chance shows in the pages learned from.
FOR: Final = {"prose_like", "is_in_article", "named_body"}
AGAINST: Final = {
    *("linked", "linked_about", "linked_about_parent", "linked_about_grandparent"),
    *("named_chrome", "named_legal", "named_about"),
    *("is_near_comments", "is_near_picture", "is_near_promotion"),
}
_WORD: Final = re.compile(r"\w+")


@dataclass
class Page:
    site: str
    texts: list[str]
    chosen: Any
    """Whether a block has features; the others are never kept. The next three hold those that have."""
    rows: Any
    labels: Any
    weights: Any
    clutter: list[bool]
    gold: Counter[tuple[str, ...]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", type=Path, nargs="*", default=[], help="pages to measure on only")
    options = parser.parse_args()
    pages = list(read(options.pages))
    scores = cross_validated(pages, range(len(pages)))
    print("all pages:", report(pages, scores))
    kept = [index for index in range(len(pages)) if f1(pages[index], scores[index]) >= LEAST_LEARNABLE]
    scores = cross_validated(pages, kept)
    print(f"learned from {len(kept)} of {len(pages)}:", report(pages, scores))
    model = fit([pages[index] for index in kept])
    for path in options.check:
        others = list(read(path))
        print(f"{path.name}:", report(others, [scored(model, page) for page in others]))
    if options.write:
        DATA.write_text(written(model))


def read(path: Path) -> Iterator[Page]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            document = RawDocument.model_validate(row["raw"])
            try:
                page = page_blocks(page_tree(document.body or ""))
            except Rejected:
                continue
            if page.blocks:
                yield labelled(page, row["gold"]["text"], urlsplit(document.url or "").netloc)


def labelled(page: PageBlocks, gold: str, site: str) -> Page:
    """Return the page with a label a block: the share of its word sequences that the gold text holds."""
    rows = features(page)
    chosen = np.array([row is not None for row in rows])
    words = [_WORD.findall(block.text) for block in page.blocks]
    wanted = shingles(_WORD.findall(gold))
    said = f" {' '.join(_WORD.findall(gold))} "
    labels = [
        np.mean([shingle in wanted for shingle in shingles(block)])
        if len(block) >= 4
        else f" {' '.join(block)} " in said
        for block in words
    ]
    long = [index for index, block in enumerate(words) if len(block) >= 4]
    for index, block in enumerate(words):
        # A menu's word occurs in many a text: a short block counts only beside one that is surely of the article.
        if 0 < len(block) < 4 and labels[index]:
            labels[index] = any(labels[other] > 0.5 for other in long if abs(other - index) <= 6)
    return Page(
        site=site,
        texts=[block.text for block in page.blocks],
        chosen=chosen,
        rows=np.array([row for row in rows if row is not None], dtype=np.float64).reshape(-1, len(FEATURES)),
        labels=np.array(labels, dtype=np.float64)[chosen],
        weights=np.minimum(
            np.array([len(block) for block in words])[chosen] / max(SHORTEST_GOLD, wanted.total()), MOST_WEIGHT
        ),
        clutter=[clutter(block.text) is not None for block in page.blocks],
        gold=wanted,
    )


def shingles(words: Sequence[str]) -> Counter[tuple[str, ...]]:
    if len(words) < 4:
        return Counter([tuple(words)] if words else [])
    return Counter(zip(words, words[1:], words[2:], words[3:], strict=False))


def fit(pages: Sequence[Page]) -> Any:
    weights = np.concatenate([page.weights for page in pages])
    data = lightgbm.Dataset(
        np.concatenate([page.rows for page in pages]),
        label=np.concatenate([page.labels for page in pages]) > 0.5,
        weight=weights / weights.mean(),
    )
    directions = [(name in FOR) - (name in AGAINST) for name in FEATURES]
    return lightgbm.train({**PARAMETERS, "monotone_constraints": directions}, data, num_boost_round=ROUNDS)


def cross_validated(pages: Sequence[Page], learned: Sequence[int]) -> list[Any]:
    """Return the scores of all pages, each by a model that has seen no page of its site."""
    folds = [zlib.crc32(page.site.encode()) % FOLDS for page in pages]
    scores: list[Any] = [None] * len(pages)
    for fold in range(FOLDS):
        model = fit([pages[index] for index in learned if folds[index] != fold])
        for index, page in enumerate(pages):
            if folds[index] == fold:
                scores[index] = scored(model, page)
    return scores


def scored(model: Any, page: Page) -> Any:
    return model.predict(page.rows, raw_score=True) if len(page.rows) else np.zeros(0)


def measured(page: Page, scores: Any, sure: float) -> tuple[float, float, float]:
    """Return true positives, false positives and false negatives as shares, as article-extraction-benchmark does."""
    seen: set[str] = set()
    kept: list[str] = []
    whole = np.full(len(page.texts), -np.inf)
    whole[page.chosen] = scores
    sure = min(sure, max(max(scores, default=0.0) - FAR, LEAST))
    for text, score, is_clutter in zip(page.texts, whole, page.clutter, strict=True):
        if score > sure and not is_clutter and text not in seen:
            kept.append(text)
            if len(text) >= 60:
                seen.add(text)
    found = shingles(_WORD.findall("\n".join(kept)))
    right = (found & page.gold).total()
    total = found.total() + page.gold.total() - right
    if not total:
        return 1.0, 0.0, 0.0
    return right / total, (found.total() - right) / total, (page.gold.total() - right) / total


def f1(page: Page, scores: Any) -> float:
    right, wrong, missed = measured(page, scores, SURE)
    return 2 * right / (2 * right + wrong + missed)


def report(pages: Sequence[Page], scores: Sequence[Any]) -> str:
    lines = []
    for sure in (0.0, 0.2, SURE, 0.6):
        shares = [measured(page, score, sure) for page, score in zip(pages, scores, strict=True)]
        precision = np.mean([right / (right + wrong) for right, wrong, _ in shares if right + wrong])
        recall = np.mean([right / (right + missed) for right, _, missed in shares if right + missed])
        lines.append(
            f"{sure:+.2f} F1 {2 * precision * recall / (precision + recall):.4f} P {precision:.3f} R {recall:.3f}"
        )
    return "\n    ".join(["", *lines])


def written(model: Any) -> str:
    """Return the model as JSON, a tree a line."""
    trees = [plain(tree["tree_structure"]) for tree in model.dump_model()["tree_info"]]
    lines = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in trees)
    return f'{{"features": {json.dumps(FEATURES)},\n"trees": [\n{lines}\n]}}\n'


def plain(node: dict[str, Any]) -> Any:
    if "leaf_value" in node:
        return round(node["leaf_value"], 4)
    assert node["decision_type"] == "<="
    return [
        node["split_feature"],
        float(f"{node['threshold']:.6g}"),
        plain(node["left_child"]),
        plain(node["right_child"]),
    ]


if __name__ == "__main__":
    main()
