"""Sources -> documents.raw, each document held against the contract before it is sent."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from schemas.dead_letters import Reason
from schemas.topics import RAW
from services.core.rejections import Rejected
from services.feed.sources import Refusal, Sourced
from services.kafka import codec
from services.kafka.admin import missing_topics
from services.kafka.publisher import Publisher
from services.kafka.records import Output
from services.kafka.settings import KafkaSettings


class PublishError(Exception):
    """Nothing can be published; the message says why and what to do."""


@dataclass(slots=True)
class Summary:
    """What became of the documents so far."""

    published: int = 0
    refused: Counter[Reason] = field(default_factory=Counter)
    ids: list[str] = field(default_factory=list)
    """Of the published ones, in order."""


async def publish(
    settings: KafkaSettings,
    sourced: Iterable[Sourced | Refusal],
    *,
    on_refusal: Callable[[Refusal], None],
    on_progress: Callable[[int], None] = lambda _: None,
) -> Summary:
    """
    Publish what keeps the contract, tell `on_refusal` what breaks it, and go on.

    `on_progress` gets the number of documents seen. Raises PublishError when the topic is missing and
    `aiokafka.errors.KafkaError` when the cluster fails; what was acknowledged before that stays published.
    """
    if missing := await missing_topics(settings, [RAW]):
        raise PublishError(f"missing on {settings.bootstrap_servers}: {missing[0]}: run `tagwire topics create`")
    summary = Summary()
    async with Publisher(settings, client_id="tagwire-publish") as publisher:
        for seen, item in enumerate(sourced, 1):
            checked = _checked(item)
            if isinstance(checked, Refusal):
                summary.refused[checked.reason] += 1
                on_refusal(checked)
            else:
                document_id, output = checked
                await publisher.send(output)
                summary.ids.append(document_id)
            on_progress(seen)
    summary.published = publisher.acknowledged
    return summary


def _checked(item: Sourced | Refusal) -> tuple[str, Output] | Refusal:
    """Return id and record: an envelope as the contract writes it, a bare body as it is."""
    if isinstance(item, Refusal):
        return item
    record = item.record
    try:
        document = codec.decode_raw(record)
        assert document.id is not None
        is_bare = document.body is None and document.body_base64 is record.value
        output = (
            Output(RAW.name, document.id.encode(), record.value, record.headers)
            if is_bare
            else codec.encode_raw(document)
        )
    except Rejected as rejected:
        return item.refusal(codec.claimed_id(record), rejected.reason, rejected.message)
    return document.id, output
