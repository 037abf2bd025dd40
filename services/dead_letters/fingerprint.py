"""Why a letter died -> a short fingerprint, the same for all that died of the same cause."""

import re
from hashlib import sha256
from typing import Final

from schemas.dead_letters import Reason

LENGTH: Final = 8
"""Hexadecimal digits. Causes are few, so 32 bits tell them apart, and an operator can read them out."""
FRAMES: Final = 3
"""Innermost frames of our own code that count; what is further out is the same for every document."""

_FRAME: Final = re.compile(r'^ *File "((?:[^"]*/)?)((?:services|schemas)/[^"]+\.py)", line \d+, in (.+)$', re.MULTILINE)
_TRACEBACK: Final = "Traceback (most recent call last):"
_MASKS: Final = (
    # A quoted value, as repr and our own messages write it; `document's` opens none.
    (re.compile(r"""(?<!\w)b?'[^']*'(?: and \d+ more)?|b?"[^"]*"(?: and \d+ more)?|“[^”]*”|`[^`]*`"""), "…"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b"), "#"),
    (re.compile(r"\d+(?:[.,]\d+)*"), "#"),
)


def fingerprint(*, reason: str, stage: str, message: str, exception: str | None, stacktrace: str | None) -> str:
    """
    Return the same short text for letters of the same reason, stage and cause.

    A bug's cause is the class of its exception and the functions of ours that it came through, without line numbers, so
    that it survives a release that does not mend it. Any other cause is the message, with its numbers and quoted values
    masked.
    """
    way = own_frames(stacktrace) if reason == Reason.STEP_FAILED and stacktrace else ()
    cause = (exception or "", *way) if way else (exception or "", masked(message))
    return sha256("\n".join((reason, stage, *cause)).encode(errors="backslashreplace")).hexdigest()[:LENGTH]


def own_frames(stacktrace: str) -> tuple[str, ...]:
    """Return `services/core/clean.py clean` for the innermost frames of our own code, outermost first."""
    # Of chained exceptions the last one is what the step ended with; the text may have lost its beginning.
    last = stacktrace.rpartition(_TRACEBACK)[2]
    frames = [f"{path} {function}" for root, path, function in _FRAME.findall(last) if _is_ours(root, path)]
    return tuple(frames[-FRAMES:])


def _is_ours(root: str, path: str) -> bool:
    """Whether it is no library's: we may be installed beside them, but not inside of one, nor they inside of us."""
    return "site-packages/" not in path and not re.search(r"site-packages/.", root)


def masked(message: str) -> str:
    """Return the message without what differs from document to document. Idempotent."""
    for pattern, mask in _MASKS:
        message = pattern.sub(mask, message)
    return message
