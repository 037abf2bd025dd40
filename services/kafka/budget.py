"""ByteBudget: how much the lanes of a process may have in work, all together."""

import asyncio
from collections import deque


class ByteBudget:
    """
    Bytes to take and to give back, first come, first served.

    One request over the whole budget passes when nothing else is out, so no record is too large for ever.
    """

    def __init__(self, limit: int) -> None:
        self.taken = 0
        self._limit = limit
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, size_bytes: int) -> None:
        """Wait until there is room, behind those who came before. Cancelled, it has taken nothing."""
        if not self._waiting and self._has_room(size_bytes):
            self.taken += size_bytes
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size_bytes, turn))
        try:
            await turn
        except asyncio.CancelledError:
            was_admitted = turn.done() and not turn.cancelled()
            self.give_back(size_bytes if was_admitted else 0)
            raise

    def give_back(self, size_bytes: int) -> None:
        self.taken -= size_bytes
        while self._waiting:
            wanted, turn = self._waiting[0]
            if not turn.done() and not self._has_room(wanted):
                break
            self._waiting.popleft()
            if not turn.done():
                self.taken += wanted
                turn.set_result(None)

    def _has_room(self, size_bytes: int) -> bool:
        return not self.taken or self.taken + size_bytes <= self._limit
