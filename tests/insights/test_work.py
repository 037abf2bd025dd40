"""What ends a process, and what becomes of that which was in hand."""

from pathlib import Path

from schemas.insights import TagCounts
from schemas.topics import TAG_COUNTS
from services.kafka.settings import KafkaSettings
from tests.insights.documents import document
from tests.insights.harness import Installation


async def test_a_bug_ends_the_process_with_a_sentence_and_loses_nothing(running: Installation, tmp_path: Path) -> None:
    """Faust itself would take what made an agent raise for done."""
    wish = tmp_path / "wish"
    process = await running.ready(module="tests.insights.disturbed", TAGWIRE_TEST_WISH=str(wish))
    await running.publish([document("before")])
    await running.until_caught_up()

    process.is_doomed = True
    wish.write_text("raise")
    await running.publish([document(f"during-{number}") for number in range(20)])

    assert await process.process.wait() == 1
    last = process.said.splitlines()[-1]
    assert last.startswith("tagwire: insights cannot go on: LookupError: a bug of ours. Nothing is lost")

    await running.start()
    await running.until_caught_up()
    packs = await running.read(TAG_COUNTS, TagCounts)
    found = {each.id for pack in packs for each in pack.documents}
    assert found == {"before", *(f"during-{number}" for number in range(20))}


async def test_a_missing_topic_is_named(kafka: str, prefix: str, tmp_path: Path) -> None:
    absent = Installation(KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix), tmp_path)

    process = await absent.start()

    assert await process.process.wait() == 1
    assert f"{prefix}insights.story-links" in process.said
    assert "run `tagwire topics create`" in process.said
