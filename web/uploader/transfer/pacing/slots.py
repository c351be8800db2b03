"""The limit of uploads that run at a time, and the uploads that do not count against it."""

from uploader.transfer import states
from uploader.transfer.pacing.connections import CONNECTIONS
from uploader.transfer.plan import MAX_SINGLE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.transfer.upload import Upload

__all__ = ["AHEAD", "Slots"]

AHEAD = 4 * CONNECTIONS


class Slots:
    """Slots for `active` uploads of any size and `ahead` more small ones, which are prepared early.

    Small uploads are started several at a time, because reading their files together is cheap. An
    upload that waits for another tab uses no slot. An upload that waits for the quota uses no slot
    if the next upload fits into the quota or is urgent.

    Args:
        is_limited: tells whether there is a quota.
        fits: tells whether a file of this size in bytes fits into the quota.
        followers: returns how many uploads wait for another tab.
    """

    def __init__(
        self,
        *,
        is_limited: "Callable[[], bool]",
        fits: "Callable[[int], bool]",
        followers: "Callable[[], int]",
        active: int,
        ahead: int,
    ) -> None:
        self._is_limited = is_limited
        self._fits = fits
        self._followers = followers
        self._active = active
        self._ahead = ahead

    def may_refill(self, running: "list[Upload]", head: "Upload") -> bool:
        """Tell whether enough slots are free to start several uploads; `head` is the first one."""
        return head.urgent or self._taken(running, head) <= self._active + self._ahead // 2

    def has_one(self, running: "list[Upload]", head: "Upload") -> bool:
        """Tell whether a slot is free for `head`."""
        ahead = self._ahead if head.file.size <= MAX_SINGLE_BYTES else 0
        return self._taken(running, head) < self._active + ahead

    def _taken(self, running: "list[Upload]", head: "Upload") -> int:
        count = len(running)
        if self._followers():
            count -= _waiting(running, states.FOR_TAB)
        if self._is_limited() and (head.urgent or self._fits(head.file.size)):
            count -= _waiting(running, states.FOR_QUOTA)
        return count


def _waiting(running: "list[Upload]", reason: str) -> int:
    return len([each for each in running if each.paused_for == reason])
