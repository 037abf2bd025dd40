from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.dead_letters import Reason
from schemas.documents import ClassifiedDocument, Evidence, Mention, Place, PlaceKind, Tag, TagKind
from services.core.rejections import Rejected
from services.feed.sources import Refusal, read_file
from services.kafka import codec
from services.local.expectations import Expectation, expectation_path, load_expectation, mismatches
from services.worker.flow import Resources, load_resources, process

FOLDER = Path(__file__).parents[1] / "seeds"
RECEIVED_AT = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
SEEDS = sorted(path for path in FOLDER.iterdir() if path.suffix in {".html", ".txt", ".json"})


@pytest.fixture(scope="session")
def resources() -> Resources:
    return load_resources()


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.stem)
def test_a_seed_becomes_what_is_expected_of_it(seed: Path, resources: Resources) -> None:
    expectation = load_expectation(seed)
    assert expectation is not None

    reason, wrong = journey(seed, expectation, resources)

    assert reason == expectation.rejected
    assert not wrong, "\n".join([f"{seed.name}: {expectation.about}", *(f"  {sentence}" for sentence in wrong)])


def journey(seed: Path, expectation: Expectation, resources: Resources) -> tuple[Reason | None, list[str]]:
    """Return why the seed was rejected, or what is not as expected of the one document in it."""
    (sourced,) = read_file(seed, FOLDER, source="seeds")
    if isinstance(sourced, Refusal):
        return sourced.reason, []
    try:
        document = process(codec.decode_raw(sourced.record), resources, received_at=RECEIVED_AT)
    except Rejected as rejected:
        return rejected.reason, []
    return None, mismatches(expectation, document) if expectation.rejected is None else []


def test_every_expectation_has_its_seed() -> None:
    assert set(FOLDER.glob("*.expected.yaml")) == {expectation_path(seed) for seed in SEEDS}


def test_the_table_lists_every_seed() -> None:
    table = (FOLDER / "README.md").read_text(encoding="utf-8")

    assert [seed.name for seed in SEEDS if f"| `{seed.name}` |" not in table] == []


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.stem)
def test_an_expectation_does_not_contradict_itself(seed: Path) -> None:
    expectation = load_expectation(seed)
    assert expectation is not None

    lists = (expectation.tags, expectation.maybe, expectation.never)

    assert len({tag for tags in lists for tag in tags}) == sum(len(tags) for tags in lists)
    assert not set(expectation.places) & set(expectation.places_never)


def a_document() -> ClassifiedDocument:
    return ClassifiedDocument(
        id="1",
        source="test",
        title="Cup final in Tripoli",
        text="Al-Bahr won 2-1.\n\nThe crowd sang.",
        language="en",
        language_confidence=1,
        content_hash="0" * 64,
        pipeline_version="0",
        taxonomy_version="0",
        received_at=RECEIVED_AT,
        places=(
            Place(
                name="Libya",
                kind=PlaceKind.COUNTRY,
                country="LY",
                mentions=(Mention(field="title", start=13, end=20),),
                salience=1,
            ),
        ),
        tags=(
            Tag(
                id="sport",
                label="Sport",
                kind=TagKind.TOPIC,
                relevance=1,
                confidence=1,
                evidence=(Evidence(field="title", start=0, end=9, term="Cup final", signal="cup final", points=3),),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("expected", "sentences"),
    [
        pytest.param({"tags": ["sport"], "places": ["LY"]}, [], id="as expected"),
        pytest.param({"maybe": ["sport"]}, [], id="a debatable tag may be there"),
        pytest.param({"tags": ["sport"], "maybe": ["libya"]}, [], id="a debatable tag may be absent"),
        pytest.param(
            {"tags": ["sport", "libya"]}, ["tags: libya is missing, came sport"], id="a tag that should be there is not"
        ),
        pytest.param({}, ["tags: sport is not expected, earned by 'Cup final'"], id="silence about tags allows none"),
        pytest.param(
            {"never": ["sport"]},
            ["tags: sport is the mistake this seed is here to catch, earned by 'Cup final'"],
            id="a trap is named",
        ),
        pytest.param(
            {"tags": ["sport"], "title": "Cup", "language": "ar"},
            ["title: expected 'Cup', came 'Cup final in Tripoli'", "language: expected 'ar', came 'en'"],
            id="each difference is a sentence",
        ),
        pytest.param(
            {"tags": ["sport"], "dateline": {"place": "Tripoli"}, "highlights": ["One"], "published": "2024-05-01"},
            [
                "highlights: expected One, came none",
                "dateline.place: expected 'tripoli', came none",
                "published: expected 2024-05-01, came none",
            ],
            id="what the document lacks is none",
        ),
        pytest.param(
            {"tags": ["sport"], "text_starts": "The", "text_contains": ["sang", "danced"], "text_lacks": ["won"]},
            [
                "text: expected to start with 'The', starts with 'Al-Bahr won 2-1.\\n\\nThe crowd sang.'",
                "text: lost 'danced'",
                "text: still holds 'won'",
            ],
            id="the text is searched",
        ),
        pytest.param(
            {"tags": ["sport"], "places": ["TN"], "places_never": ["LY"]},
            ["places: TN is missing, came LY", "places: LY is not mentioned, but came as 'Libya'"],
            id="places are compared by country",
        ),
    ],
)
def test_mismatches(expected: dict[str, object], sentences: list[str]) -> None:
    expectation = Expectation.model_validate({"about": "a case", **expected})

    assert mismatches(expectation, a_document()) == sentences
