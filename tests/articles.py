"""Generated articles, many and all different, for tests that count."""

import orjson

PLACES = ("Libya", "Kenya", "Peru", "Norway", "Vietnam", "Canada", "Mali", "Japan")
EVENTS = (
    ("police raid on suspected militants", "Counterterrorism police arrested {n} suspects in raids across {place}."),
    ("parliament votes on the budget", "Lawmakers in {place} debated {n} amendments to the budget."),
    ("floods cut off villages", "Rescuers reached {n} families after floods in {place}."),
    ("league match ends in a draw", "The league match in {place} drew {n} spectators."),
)
PADDING = "Officials said that more details would follow on Thursday, after a meeting of the regional council. "


def article(number: int) -> tuple[bytes, bytes]:
    """Return key and envelope of article `number`: always the same for the same number, about 1 KB."""
    place, (subject, sentence) = PLACES[number % len(PLACES)], EVENTS[number // 8 % len(EVENTS)]
    body = "\n\n".join([f"{place}: {subject}", sentence.format(n=number, place=place), PADDING * (number % 5 + 3)])
    document_id = f"article-{number}"
    envelope = {"id": document_id, "source": "tests", "media_type": "text/plain", "body": body}
    return document_id.encode(), orjson.dumps(envelope)
