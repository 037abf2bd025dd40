"""A child process whose step does nothing: what is left is plumbing."""

import sys

from schemas.topics import CLASSIFIED
from services.kafka.records import Output, Record
from services.worker import child
from services.worker.transform import Outcome


def passes(record: Record, *_: object) -> Outcome:
    return Outcome((Output(CLASSIFIED.name, record.key, record.value, record.headers),), None)


child.transform = passes  # type: ignore[assignment, attr-defined]

if __name__ == "__main__":
    child.main(sys.argv[1:])
