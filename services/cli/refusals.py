"""A document that was not taken -> standard error."""

import sys
from typing import Any

from services.cli.printing import error_console, tell


def tell_refusal(refusal: Any, *, as_json: bool = False) -> None:
    """Write id, reason and message: for people on a terminal, else as a JSON line."""
    if sys.stderr.isatty() and not as_json:
        from services.subscriber.render import rejection_lines

        for line in rejection_lines(refusal.id, refusal.reason, refusal.message):
            error_console.print(line, soft_wrap=True)
    else:
        import orjson

        told = {"id": refusal.id, "reason": refusal.reason, "message": refusal.message}
        tell(orjson.dumps(told).decode())
