"""How many uploads may be under way at a time, and who does not count."""

from uploader.transfer import states
from uploader.transfer.budget import CONNECTIONS
from uploader.transfer.plan import MAX_SINGLE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.transfer.room import Room
    from uploader.transfer.upload import Upload

__all__ = ["AHEAD", "Places"]

AHEAD = 4 * CONNECTIONS


class Places:
    """`active` uploads of any size, and `ahead` more that are small: those make ready to leave.

    Small ones come some at a time: to read them together is cheap. Whoever waits for room in the
    quota lets pass what has room.
    """

    def __init__(self, room: "Room", *, active: int, ahead: int) -> None:
        self._room = room
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
        if not self._room.is_limited() or not (head.urgent or self._room.fits(head.file.size)):
            return len(running)
        return len([each for each in running if each.paused_for != states.FOR_QUOTA])
