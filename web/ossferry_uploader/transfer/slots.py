"""Limit the number of uploads that run at the same time."""

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.plan import CONNECTIONS, MAX_SINGLE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.upload import Upload

AHEAD = 4 * CONNECTIONS


class Slots:
    """Decides how many uploads may run at the same time.

    Each running upload uses one slot, with two exceptions: an upload that waits for another tab,
    and an upload that waits for quota while the first waiting upload of the queue fits into the
    quota or is urgent.

    Args:
        active: the number of slots for uploads of files of any size.
        ahead: the smallest number of additional slots for files of at most `MAX_SINGLE_BYTES`;
            there are more if many small requests are allowed at a time. The uploads in these slots
            are prepared while all connections are in use. 0 for no additional slots.
    """

    def __init__(self, engine: "Engine", *, active: int, ahead: int) -> None:
        self._engine = engine
        self._active = active
        self._least_ahead = ahead

    def may_refill(self, running: "list[Upload]", head: "Upload") -> bool:
        """Return whether enough slots are free for the queue to start uploads now.

        At least half of the additional slots must be free, unless `head` is urgent. So several
        uploads of small files start together, which is faster, because their files are read
        together. Before each start, `has_one` must also return true.

        Args:
            running: the running uploads.
            head: the first upload that waits in the queue.
        """
        return head.urgent or self._taken(running, head) <= self._active + self._ahead() // 2

    def has_one(self, running: "list[Upload]", head: "Upload") -> bool:
        """Return whether a slot is free for the first upload that waits in the queue.

        Args:
            running: the running uploads.
            head: the first upload that waits in the queue.
        """
        ahead = self._ahead() if head.file.size <= MAX_SINGLE_BYTES else 0
        return self._taken(running, head) < self._active + ahead

    def _ahead(self) -> int:
        return max(self._least_ahead, 2 * self._engine.pool.small) if self._least_ahead else 0

    def _taken(self, running: "list[Upload]", head: "Upload") -> int:
        count = len(running)
        if self._engine.journal.followers():
            count -= _waiting(running, states.FOR_TAB)
        quota = self._engine.quota
        if quota.is_limited() and (head.urgent or quota.fits(head.file.size)):
            count -= _waiting(running, states.FOR_QUOTA)
        return count


def _waiting(running: "list[Upload]", reason: str) -> int:
    return len([upload for upload in running if upload.paused_for == reason])
