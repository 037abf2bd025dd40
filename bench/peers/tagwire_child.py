"""A child process of tagwire's whose steps are one function: what is left is plumbing."""

import os
import sys
from types import SimpleNamespace
from typing import Any

from bench.functions import load
from bench.peers.tagwire import FUNCTION, TAG_TOPICS
from schemas.topics import CLASSIFIED, tag_topic
from services.kafka.records import Output, Record
from services.worker import child
from services.worker.transform import Outcome

NOTHING: Any = SimpleNamespace(taxonomy=SimpleNamespace(version=""))
"""For steps that look nothing up."""

function = load(os.environ[FUNCTION])
tag_topics = int(os.environ.get(TAG_TOPICS, "0"))


def transform(record: Record, *_: object) -> Outcome:
    value = function(record.value or b"")
    outputs = [Output(CLASSIFIED.name, record.key, value, record.headers)]
    if tag_topics:
        outputs.append(outputs[0]._replace(topic=tag_topic(f"bench-{record.offset % tag_topics}").name))
    return Outcome(tuple(outputs), None)


child.transform = transform  # type: ignore[assignment, attr-defined]
child.load_resources = lambda: NOTHING  # type: ignore[attr-defined]

if __name__ == "__main__":
    child.main(sys.argv[1:])
