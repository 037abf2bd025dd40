"""Rejected: the document's own fault, told by a step to whoever runs it."""

from schemas.dead_letters import Reason


class Rejected(Exception):  # noqa: N818  # it is a verdict on a document, not an error of ours
    """
    The document cannot be processed, now or ever.

    `message` says what was expected and what came, for the one who sent it.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message

    def __reduce__(self) -> tuple[type["Rejected"], tuple[Reason, str]]:
        """Survive the way back from a child process."""
        return Rejected, (self.reason, self.message)
