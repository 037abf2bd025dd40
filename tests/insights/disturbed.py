"""`tagwire`, with agents that do as a file says: stand still as Faust is known to do, or raise as a bug would."""

import asyncio
import os
from pathlib import Path
from typing import Any

from services.cli import main
from services.insights.forward import Forward
from services.insights.work import Work

WISH = Path(os.environ["TAGWIRE_TEST_WISH"])
"""Holds `stall` or `raise`; nothing is wished while it is missing."""

do, take = Work._do, Forward.take


def wish() -> str:
    return WISH.read_text() if WISH.exists() else ""


async def do_or_stall(self: Work, *given: Any) -> None:
    while wish() == "stall":  # noqa: ASYNC110  # nothing tells us; we ask
        await asyncio.sleep(0.1)
    await do(self, *given)


def take_or_raise(self: Forward, *given: Any) -> Any:
    if wish() == "raise":
        raise LookupError("a bug of ours")
    return take(self, *given)


Work._do = do_or_stall  # type: ignore[assignment, method-assign]
Forward.take = take_or_raise  # type: ignore[assignment, method-assign]

if __name__ == "__main__":
    main()
