"""ByteBudget: how much the lanes of a process may have in work, all together."""

import asyncio


class ByteBudget:
    """Bytes to take and to give back. One request over the whole budget passes when nothing else is out."""

    def __init__(self, limit: int) -> None:
        self.taken = 0
        self._limit = limit
        self._freed = asyncio.Event()

    async def take(self, size_bytes: int) -> None:
        """Wait until there is room."""
        while self.taken and self.taken + size_bytes > self._limit:
            self._freed.clear()
            await self._freed.wait()
        self.taken += size_bytes

    def give_back(self, size_bytes: int) -> None:
        self.taken -= size_bytes
        self._freed.set()
