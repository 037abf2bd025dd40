"""What redrive found and did -> sentences for people, JSON Lines for programs."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import orjson

from services.core.printable import plain
from services.dead_letters.candidates import Candidate, Fate
from services.dead_letters.listing import total
from services.dead_letters.redrive import Report, Rules

WARNINGS_SHOWN: Final = 20

_SKIPPED: Final = {
    Fate.PUT_BACK: "put back already",
    Fate.REPEATED: "with a later dead letter of the same record",
    Fate.INCOMPLETE: "without the record itself",
    Fate.OF_INSIGHTS: "of insights, which would come to all other readers of their topic once more",
    Fate.UNKNOWN_TOPIC: "from no topic of this installation that a worker reads",
}


def summary(report: Report, rules: Rules) -> Iterator[str]:
    """Yield one line on what was tried and sent, and one on what was left out, if anything was."""
    tried = report.of(Fate.PASSES, Fate.OVERTAKEN, Fate.DIES)
    dying = Counter(each.now.reason for each in tried if each.now is not None)
    reasons = ", ".join(f"{count} {reason}" for reason, count in dying.most_common())
    would_die = f"; {dying.total()} would die again: {reasons}" if dying else ""
    overtaken = len(report.of(Fate.OVERTAKEN))
    behind = "would come behind a newer document"
    if not report.candidates:
        yield "No dead letter matches."
    elif not tried:
        yield f"nothing to put back of {total(len(report.candidates))}"
    elif report.is_dry:
        late = f"; {overtaken} of them {behind}" if overtaken else ""
        yield f"{len(tried) - dying.total()} of {len(tried)} would now pass{late}{would_die}"
    else:
        held = len(tried) - report.sent
        kept = f" ({held} not sent: --all sends them, too)" if held else ""
        late = f"; {overtaken} {behind}" if overtaken else ""
        yield f"{report.sent} of {len(tried)} put back{late}{would_die}{kept}"
    skipped = [f"{count} {told}" for fate, told in _SKIPPED.items() if (count := len(report.of(fate)))]
    if count := len(report.of(Fate.MAX_REPLAYS)):
        skipped.append(f"{count} put back {rules.max_replays} times or more (--max-replays)")
    if skipped:
        yield f"skipped: {', '.join(skipped)}"


def warnings(report: Report) -> Iterator[str]:
    """Yield a sentence for each letter that a newer document has overtaken; after some of them, their number."""
    overtaken = report.of(Fate.OVERTAKEN)
    for candidate in overtaken[:WARNINGS_SHOWN]:
        identity = candidate.identity
        assert identity is not None
        newer = f"version {candidate.overtaken_by} is classified already"
        if candidate.overtaken_by == identity[1]:
            newer = "the same version came later and is classified already"
        yield f"warning: {plain(identity[0])} version {identity[1]}: {newer}"
    if len(overtaken) > WARNINGS_SHOWN:
        yield f"warning: and {len(overtaken) - WARNINGS_SHOWN} more; --json has all"


def candidate_line(candidate: Candidate) -> bytes:
    """Return what became of one letter as JSON."""
    return orjson.dumps(candidate_fields(candidate))


def candidate_fields(candidate: Candidate) -> dict[str, Any]:
    now = candidate.now
    return {
        "id": candidate.name,
        "position": candidate.position,
        "reason": candidate.reason,
        "replays": candidate.replays,
        "fate": candidate.fate,
        "now": None if now is None else {"reason": now.reason, "message": now.message},
        "overtaken_by": candidate.overtaken_by,
    }
