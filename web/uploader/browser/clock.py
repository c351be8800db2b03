"""The user's clock."""

import asyncio
import time

__all__ = ["BrowserClock"]


class BrowserClock:
    """The engine's `Clock` port: wall time of this computer, which may be wrong, and waiting."""

    def now_s(self) -> float:
        """Return seconds since 1970."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
