"""Faust's consumer and its offsets, as ours."""

from aiokafka import AIOKafkaProducer

from schemas.documents import ClassifiedDocument
from schemas.insights import TagCounts
from schemas.topics import CLASSIFIED, DEAD_LETTER, TAG_COUNTS
from services.dead_letters.candidates import Fate
from services.dead_letters.letters import Selection
from services.dead_letters.redrive import Rules, redrive
from services.worker.settings import WorkerSettings
from tests.brokers import produce, read_committed
from tests.insights.documents import document, message
from tests.insights.harness import Installation


async def transact(running: Installation, documents: list[ClassifiedDocument], *, commit: bool) -> None:
    """Write documents in a transaction that is committed or aborted, all into the partition of one key."""
    producer = AIOKafkaProducer(
        bootstrap_servers=running.settings.bootstrap_servers, transactional_id=running.settings.group("test")
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        for each in documents:
            _, value, _ = message(each)
            await producer.send_and_wait(running.settings.topic(CLASSIFIED), value, partition=0, key=b"key")
        await (producer.commit_transaction() if commit else producer.abort_transaction())
    finally:
        await producer.stop()


async def counted(running: Installation) -> list[str]:
    packs = await running.read(TAG_COUNTS, TagCounts)
    return sorted(each.id for pack in packs for each in pack.documents)


async def test_a_document_of_an_aborted_transaction_never_counts(running: Installation) -> None:
    await transact(running, [document("first")], commit=True)
    await transact(running, [document(f"aborted-{number}") for number in range(5)], commit=False)
    await transact(running, [document("last")], commit=True)

    await running.start()
    await running.until_caught_up()

    assert await counted(running) == ["first", "last"]


async def test_lag_reaches_0_behind_the_markers_of_transactions(running: Installation) -> None:
    await running.start()
    await running.until_caught_up()  # of nothing

    await transact(running, [document("first")], commit=True)
    await transact(running, [document("aborted")], commit=False)

    await running.until_caught_up()  # offset 0 is a document, all behind it are markers and what was aborted
    await transact(running, [document("last")], commit=True)
    await running.until_caught_up()
    assert await counted(running) == ["first", "last"]


async def test_a_record_that_is_no_document_becomes_a_dead_letter_and_nothing_else_is_lost(
    running: Installation,
) -> None:
    bad = [
        (b"none", None, ()),
        (b"text", b"no JSON", ()),
        (b"half", b'{"id": "half"}', (("tagwire-origin", b"documents.raw/0/7"),)),
        (b"wrong", document("wrong", fingerprint="no fingerprint").model_dump_json().encode(), ()),
    ]
    good = [message(document(f"good-{number}")) for number in range(20)]
    mixed = [each for number, message_ in enumerate(good) for each in (message_, *bad[number : number + 1])]
    await produce(running.settings.bootstrap_servers, running.settings.topic(CLASSIFIED), mixed)

    process = await running.start()
    await running.until_caught_up()

    letters = await read_committed(running.settings.bootstrap_servers, running.settings.topic(DEAD_LETTER))
    told = {letter.key: dict(letter.headers) for letter in letters}
    assert {key: (headers["dlq-reason"], headers["dlq-stage"]) for key, headers in told.items()} == {
        b"none": (b"null_value", b"insights"),
        b"text": (b"invalid_document", b"insights"),
        b"half": (b"invalid_document", b"insights"),
        b"wrong": (b"invalid_document", b"insights"),
    }
    assert {letter.key: letter.value for letter in letters} == {key: value for key, value, _ in bad}
    assert told[b"half"]["tagwire-origin"] == b"documents.raw/0/7"
    assert told[b"half"]["kafka_dlt-original-topic"] == running.settings.topic(CLASSIFIED).encode()
    assert await process.metric("tagwire_insights_dead_letters_total") == 4

    # Put back, they would come to every subscriber once more.
    report = await redrive(running.settings, WorkerSettings(), Selection(), Rules(is_forced=True))
    assert {candidate.fate for candidate in report.candidates} == {Fate.OF_INSIGHTS}
    assert (len(report.candidates), report.sent) == (4, 0)
    assert await counted(running) == sorted(f"good-{number}" for number in range(20))
