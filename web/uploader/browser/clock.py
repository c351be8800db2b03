"""The user's clock."""

import time

__all__ = ["BrowserClock"]


class BrowserClock:
    """Wall time of this computer; it may be wrong."""

    def now_s(self) -> float:
        """Return seconds since 1970."""
        return time.time()
