"""Why a record could not be processed: the stable codes in the `dlq-reason` header of a dead letter."""

from enum import StrEnum


class Reason(StrEnum):
    """Stable: operators filter and alert on these. A new cause is a new code; no code changes its meaning."""

    NULL_VALUE = "null_value"
    """The record has no value: a tombstone, which `documents.raw` has no use for."""
    EMPTY_BODY = "empty_body"
    """The body is empty or only white space."""
    TOO_LARGE = "too_large"
    """The body is over 8 MiB once decoded."""
    NOT_TEXT = "not_text"
    """The bytes are no text in any encoding: a picture, an archive, a PDF."""
    INVALID_DOCUMENT = "invalid_document"
    """The value is JSON, but no document by the contract; the message names the field."""
    NO_TEXT = "no_text"
    """A page or text in which cleaning found no article."""
    OUTPUT_TOO_LARGE = "output_too_large"
    """The finished document would be over 12 MiB."""
    TIMEOUT = "timeout"
    """Processing took more CPU time than a document may, or stood still."""
    MEMORY = "memory"
    """Processing took more memory than a document may."""
    CRASHED = "crashed"
    """Processing ended its process, twice, so that a library of ours has a bug that this document finds."""
    STEP_FAILED = "step_failed"
    """A bug: a step raised something unforeseen. The dead letter carries its traceback."""
