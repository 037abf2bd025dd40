"""Where a process keeps its tables: a folder that no other process has, and that a restart finds again."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path


class FolderError(Exception):
    """The folder cannot be used; the message says which and why."""


@contextmanager
def own_folder(data_folder: Path, *names: str) -> Iterator[Path]:
    """
    Give the first folder of `<data_folder>/<names…>/0`, `1`, … that no other process has, for as long as it lasts.

    RocksDB locks what it opens, so two processes cannot share one. `names` tell clusters and installations apart: rows
    of one would be taken for those of another. Raises FolderError.
    """
    place = data_folder.expanduser().joinpath(*names)
    for number in count():
        folder = place / str(number)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / "lock").open("w")
        except OSError as error:
            raise FolderError(f"TAGWIRE_INSIGHTS_DATA_FOLDER: {folder}: {error.strerror}") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder
            return
