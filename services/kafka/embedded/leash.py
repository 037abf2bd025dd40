"""
Run a program that ends when its owner ends, however the owner ends.

`python leash.py GRACE_S PROGRAM [ARGUMENT…]` is a process of its own, between the owner and Java, and imports only the
standard library. Standard input is a pipe that the owner holds and never writes to: the kernel closes it when the owner
dies, even of SIGKILL. On its end the program gets SIGTERM and, `GRACE_S` seconds later, SIGKILL. The program's pid
is the one line on standard output; the program itself writes to standard error only. Exit status: the program's,
128 + n if signal n ended it.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

PARENT_CHECK_S: Final = 1.0
PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>


def main(arguments: Sequence[str]) -> int:
    """Run the program to its end, or to the owner's."""
    owner = os.getppid()
    grace_s, command = float(arguments[0]), arguments[1:]
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    leash = os.getpid()

    def die_with_leash() -> None:
        """Have the kernel kill this process when the leash dies. Linux only; elsewhere the owner's `stop` does it."""
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != leash:  # it died before the call
                os._exit(1)

    # The kernel counts the death of the thread that forked as the parent's. This is the main thread, and it stays.
    program = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        close_fds=False,  # the lock on the data folder is held until the program itself has ended
        preexec_fn=die_with_leash,  # noqa: PLW1509  # no other thread runs yet
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: program.terminate())
    with suppress(BrokenPipeError):  # the owner is gone already; the thread below will see it
        print(program.pid, flush=True)  # noqa: T201
    threading.Thread(target=end_with_owner, args=(program, owner, grace_s), daemon=True).start()
    status = program.wait()
    return status if status >= 0 else 128 - status


def end_with_owner(program: subprocess.Popen[bytes], owner: int, grace_s: float) -> None:
    """Wait for the owner to let go or to die, then end the program."""
    # A child that the owner has forked holds the pipe open, too; the parent's pid changes in any case.
    while os.getppid() == owner:
        readable, _, _ = select.select([sys.stdin], [], [], PARENT_CHECK_S)
        if readable and not os.read(sys.stdin.fileno(), 1):
            break
    program.terminate()
    try:
        program.wait(grace_s)
    except subprocess.TimeoutExpired:
        program.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
