"""How many uploads may be under way at a time, and who does not count."""

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
    """`active` uploads of any size, and `ahead` more that are small: those make ready to leave.

    Small ones come some at a time: to read them together is cheap. Whoever waits for room in the
    quota lets pass what has room, whoever follows another tab lets pass all.
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
        """Tell whether it is time to start some more, of which `head` is the first."""
        return head.urgent or self._taken(running, head) <= self._active + self._ahead // 2

    def has_one(self, running: "list[Upload]", head: "Upload") -> bool:
        """Tell whether there is a place for `head`."""
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
