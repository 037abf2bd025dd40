"""The picture of the journey, whichever way it is run."""

from typing import Any

import pytest
from playwright.async_api import Page

from schemas.topics import CLASSIFIED, CLEAN, DEAD_LETTER, ENRICHED, RAW

TOPICS = [each.name for each in (RAW, CLEAN, ENRICHED, CLASSIFIED)]
WHOLE = ("tagwire-clean-route", RAW.name, True)


def overview(groups: list[tuple[str, str, bool]], held: dict[str, int]) -> dict[str, Any]:
    """Of groups, each a name, what it reads, and whether it is ours; and what some topics hold."""
    names = [*TOPICS, "tags.libya", DEAD_LETTER.name]
    topics = [{"name": f"p.{n}", "short_name": n, "exists": True, "held": held.get(n, 0), "rate": 0} for n in names]
    rows = [{"name": name, "topics": [f"p.{reads}"], "is_ours": ours, "rate": 1} for name, reads, ours in groups]
    return {"topics": topics, "groups": rows, "dead_letters": {"last_day": 0}}


@pytest.mark.parametrize(
    ("groups", "held", "expected"),
    [
        pytest.param(
            [WHOLE],
            {},
            ["documents.raw", "tagwire-clean-route", "documents.classified tags.libya documents.dead-letter"],
            id="in one go",
        ),
        pytest.param(
            [WHOLE],
            {"documents.clean": 3},
            [
                "documents.raw",
                "tagwire-clean-route",
                "documents.clean documents.classified tags.libya documents.dead-letter",
            ],
            id="what is written on the way",
        ),
        pytest.param(
            [("tagwire-enrich-route", "documents.clean", True), ("tagwire-clean-clean", "documents.raw", True)],
            {},
            [
                "documents.raw",
                "tagwire-clean-clean",
                "documents.clean",
                "tagwire-enrich-route",
                "documents.classified tags.libya documents.dead-letter",
            ],
            id="a stage alone",
        ),
        pytest.param(
            [WHOLE, ("archive", "documents.classified", False), ("alerts", "tags.libya", False)],
            {},
            [
                "documents.raw",
                "tagwire-clean-route",
                "documents.classified tags.libya documents.dead-letter",
                "archive alerts",
            ],
            id="who reads what comes out",
        ),
    ],
)
async def test_topics_and_those_who_read_them_stand_in_order(
    page: Page, groups: list[tuple[str, str, bool]], held: dict[str, int], expected: list[str]
) -> None:
    found = await page.evaluate(
        """async (overview) => {
            const { steps } = await import("./page/journey.js");
            const name = ({ topic, group }) => (topic ? topic.short_name : group.name);
            return steps(overview).map(({ cards }) => cards.map(name).join(" "));
        }""",
        overview(groups, held),
    )

    assert found == expected
