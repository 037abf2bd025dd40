"""ByteBudget: how much the lanes of a process may have in work, all together."""

import asyncio


class ByteBudget:
    """Bytes to take and to give back. One request over the whole budget passes when nothing else is out."""

    def __init__(self, limit: int) -> None:
        self.taken = 0
        self._limit = limit
        self._freed = asyncio.Condition()

    async def take(self, size_bytes: int) -> None:
        """Wait until there is room."""
        async with self._freed:
            await self._freed.wait_for(lambda: not self.taken or self.taken + size_bytes <= self._limit)
            self.taken += size_bytes

    async def give_back(self, size_bytes: int) -> None:
        async with self._freed:
            self.taken -= size_bytes
            self._freed.notify_all()
