"""Limits the number of uploads that run at the same time."""

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.plan import CONNECTIONS, MAX_SINGLE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ossferry_uploader.transfer.upload import Upload

AHEAD = 4 * CONNECTIONS


class Slots:
    """Decides how many uploads may run at the same time.

    Each running upload uses one slot, with two exceptions. An upload that waits for another tab
    uses no slot. An upload that waits for the quota uses no slot, if the next upload fits into the
    quota or is urgent.

    Args:
        is_limited: returns whether there is a quota.
        fits: returns whether a file of this size in bytes fits into the quota.
        followers: returns how many uploads wait for another tab.
        active: the number of slots for uploads of any size.
        ahead: returns the number of additional slots for small uploads. These uploads are prepared
            while all connections are in use.
    """

    def __init__(
        self,
        *,
        is_limited: "Callable[[], bool]",
        fits: "Callable[[int], bool]",
        followers: "Callable[[], int]",
        active: int,
        ahead: "Callable[[], int]",
    ) -> None:
        self._is_limited = is_limited
        self._fits = fits
        self._followers = followers
        self._active = active
        self._ahead = ahead

    def may_refill(self, running: "list[Upload]", head: "Upload") -> bool:
        """Return whether the queue may start uploads now.

        Small uploads are started several at a time, because reading several files together is
        cheap. So half of the additional slots must be free, unless `head` is urgent.

        Args:
            running: the running uploads.
            head: the first waiting upload.
        """
        return head.urgent or self._taken(running, head) <= self._active + self._ahead() // 2

    def has_one(self, running: "list[Upload]", head: "Upload") -> bool:
        """Return whether a slot is free for `head`.

        Args:
            running: the running uploads.
            head: the first waiting upload.
        """
        ahead = self._ahead() if head.file.size <= MAX_SINGLE_BYTES else 0
        return self._taken(running, head) < self._active + ahead

    def _taken(self, running: "list[Upload]", head: "Upload") -> int:
        count = len(running)
        if self._followers():
            count -= _waiting(running, states.FOR_TAB)
        if self._is_limited() and (head.urgent or self._fits(head.file.size)):
            count -= _waiting(running, states.FOR_QUOTA)
        return count


def _waiting(running: "list[Upload]", reason: str) -> int:
    return len([upload for upload in running if upload.paused_for == reason])
