"""What commands write: lines and tables on standard output, sentences and progress on standard error."""

import contextlib
import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from rich.console import Console


class ReaderGoneError(Exception):
    """Nobody reads our output any more, as when `head` has enough: a normal end."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise ReaderGoneError


# A group, a document's id or a message is called what the world likes: `[/x]` is no markup, `:bug:` no picture.
console = _Console(markup=False, emoji=False, highlight=False)
error_console = _Console(markup=False, emoji=False, highlight=False, stderr=True)


def is_tty() -> bool:
    """Whether people read standard output."""
    return sys.stdout.isatty()


def write(value: bytes) -> None:
    """Write bytes to standard output at once. Raises ReaderGoneError."""
    try:
        sys.stdout.buffer.write(value)
    except BrokenPipeError:
        raise ReaderGoneError from None
    flush()


def write_line(line: bytes) -> None:
    write(line + b"\n")


def flush() -> None:
    """Hand over what Python still holds of standard output. Raises ReaderGoneError."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderGoneError from None


def forget_output() -> None:
    """Let what nobody reads go nowhere, or Python would try once more at its end, and complain."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def note(text: str) -> None:
    """Write a sentence to standard error; a hint in it, as `tagwire up`, becomes what this user can type."""
    text = as_called(text)
    if sys.stderr.isatty():
        # A path or an address stays whole, so that it can be copied.
        width = shutil.get_terminal_size().columns
        wrapper = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False)
        text = "\n".join(map(wrapper.fill, text.splitlines()))
    tell(text)


def tell(text: str) -> None:
    """Write a text to standard error as it is. That nobody reads it is no error."""
    with contextlib.suppress(BrokenPipeError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def fail(sentence: str, *, status: int) -> NoReturn:
    note(f"tagwire: {sentence}")
    sys.exit(status)


def as_called(text: str) -> str:
    """Return the text with its hints, which begin with a backtick and tagwire, as this program was called."""
    return text.replace("`tagwire ", f"`{program()} ")


def program(called: str | None = None) -> str:
    """
    Return what to type for this program: `tagwire` where PATH finds it, else the path by which it was called.

    `called` is `sys.argv[0]` unless given.
    """
    path = Path(called or sys.argv[0])
    on_path = shutil.which("tagwire")
    # Run with `python -m` it is a file in the package: nothing to type.
    if path.name != "tagwire" or not path.exists() or (on_path and path.samefile(on_path)):
        return "tagwire"
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return shlex.quote(str(path))


@contextlib.contextmanager
def progress(*, is_wanted: bool = True) -> Iterator[Callable[[int], None]]:
    """Give a function that is told how many documents were seen; shown on a terminal only."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed} documents"), TimeElapsedColumn())
    is_shown = is_wanted and error_console.is_terminal
    with Progress(*columns, console=error_console, transient=True, disable=not is_shown) as shown:
        task = shown.add_task("documents", total=None)
        yield lambda seen: shown.update(task, completed=seen)


@contextlib.contextmanager
def waiting(sentence: str) -> Iterator[None]:
    """Show what is being waited for, on a terminal only."""
    if not error_console.is_terminal:
        yield
        return
    with error_console.status(sentence):
        yield
