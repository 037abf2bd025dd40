"""A child process whose cleaning does what some words in a document ask for; otherwise a child like any other."""

import ctypes
import os
import re
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from services.worker import child, flow


def misbehave(word: str) -> None:  # noqa: C901, PLR0912  # a list of misdeeds
    """Do what a hostile document, or a bug of ours, would make a step do."""
    match word:
        case "hang":
            while True:
                pass
        case "hang-natively":  # a backtracking regex does not hold up for signals handled in Python
            re.match(r"(a+)+b", "a" * 64)
        case "stand-still":
            time.sleep(3600)
        case "segfault":
            ctypes.string_at(0)
        case "abort":
            os.abort()
        case "exit":
            os._exit(0)
        case "killed":  # as by somebody else
            os.kill(os.getpid(), signal.SIGKILL)
        case "killed-once":
            flag = Path(os.environ["TAGWIRE_TEST_FLAG"])
            if not flag.exists():
                flag.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        case "bloat":
            hoard = []
            while True:
                hoard.append(bytearray(2**24))
        case "recurse":
            misbehave(word)
        case "raise":
            raise KeyError("a bug of ours")
        case _ if word.startswith("slow-"):  # !slow-8! takes 8 s, and none of them of CPU time
            time.sleep(int(word.removeprefix("slow-")))


def cleaning_that_obeys(document: Any, context: Any) -> Any:
    for word in re.findall(r"!([a-z-]+[0-9]*)!", document.body or ""):
        misbehave(word)
    return clean.step(document, context)


clean, *others = flow.JOURNEY
flow.JOURNEY = (replace(clean, step=cleaning_that_obeys), *others)  # type: ignore[assignment, misc]

if __name__ == "__main__":
    child.main(sys.argv[1:])
