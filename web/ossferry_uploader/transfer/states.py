"""The states of an upload, the allowed changes of state, and the state machine.

    checking
       ▲
       ▼
    waiting ──▶ uploading ──▶ verifying ──▶ done
       ▲  ▲        │  ▲           │
       │  │        ▼  │           │
       │  └────── paused          │
       │             │            │
       │             ▼            ▼
       └────────── failed · cancelled          (retry)

Each pause has a reason. `BY_PERSON` means that a person has paused the upload. `FOR_*` means that
the upload waits, for example for the network. In this case the upload continues by itself.
"""

from ossferry_uploader.transfer.errors import IllegalMove

WAITING = "waiting"
CHECKING = "checking"
UPLOADING = "uploading"
PAUSED = "paused"
VERIFYING = "verifying"
DONE = "done"
FAILED = "failed"
CANCELLED = "cancelled"

ENDED = (DONE, FAILED, CANCELLED)

BY_PERSON = "by person"
FOR_NETWORK = "for network"
FOR_SERVER = "for server"
FOR_STORAGE = "for storage"  # its address is unreachable, although the network works
FOR_LOGIN = "for login"
FOR_QUOTA = "for quota"
FOR_TAB = "for tab"  # another tab sends the same file
FOR_DETAILS = "for details"  # the operator requires fields that the person has not filled in
FOR_ANSWER = "for answer"  # the checks have a question, or the person may choose the original

MOVES = {
    WAITING: (CHECKING, UPLOADING, PAUSED, FAILED, CANCELLED),
    CHECKING: (WAITING, PAUSED, FAILED, CANCELLED),
    UPLOADING: (WAITING, VERIFYING, PAUSED, FAILED, CANCELLED),  # back, to be checked first
    PAUSED: (PAUSED, WAITING, UPLOADING, VERIFYING, FAILED, CANCELLED),
    VERIFYING: (DONE, UPLOADING, PAUSED, FAILED, CANCELLED),
    DONE: (),
    FAILED: (WAITING,),
    CANCELLED: (WAITING, DONE),  # the object may be stored before the cancel reaches OSS
}


class StateMachine:
    """The state of one upload; only this class changes it, and only as the table `MOVES` allows.

    Several requests of an upload can wait at the same time, for different reasons. The upload is
    paused when the first wait begins, and continues when all waits have ended.

    Attributes:
        state: the present state.
        paused_for: the reason of a pause: `BY_PERSON` if a person paused the upload, otherwise the
            reason of the latest wait that has not ended; empty in all other states.
    """

    def __init__(self) -> None:
        self.state = WAITING
        self.paused_for = ""
        self._waits: list[str] = []
        self._held_in = ""  # the state to return to after the last wait

    def go(self, to: str) -> None:
        """Change the upload to another state.

        Raises:
            IllegalMove: the present state does not allow this change.
        """
        if to not in MOVES[self.state]:
            raise IllegalMove(f"an upload that is {self.state} cannot become {to}")
        self.state = to
        if to != PAUSED:
            self.paused_for = ""

    def pause(self, reason: str) -> None:
        """Change the upload to the state `paused` for this reason.

        Raises:
            IllegalMove: the upload has ended, so it cannot be paused.
        """
        self.go(PAUSED)
        self.paused_for = reason

    def hold(self, reason: str) -> bool:
        """Record that a request of the upload waits, and pause the upload if it is running.

        Args:
            reason: the reason of the wait, one of the constants `FOR_*`.

        Returns:
            Whether `state` or `paused_for` has changed.
        """
        self._waits.append(reason)
        if self.state in (UPLOADING, VERIFYING):
            self._held_in = self.state
            self.pause(reason)
            return True
        return self._show(reason)

    def end_hold(self, reason: str) -> bool:
        """Record the end of a wait that `hold` has recorded for the same reason.

        If no request waits any more, the upload continues, unless a person has paused it.

        Returns:
            Whether `state` or `paused_for` has changed.
        """
        if reason in self._waits:
            self._waits.remove(reason)
        if self._waits:
            return self._show(self._waits[-1])
        if self.state == PAUSED and self.paused_for != BY_PERSON:
            self.go(self._held_in)
            return True
        return False

    def clear(self) -> None:
        """Forget all waits that `hold` recorded, without changing the state."""
        self._waits = []

    def _show(self, reason: str) -> bool:
        """Set `paused_for` to `reason`, if the upload is paused, but not by a person.

        Returns:
            Whether `paused_for` has changed.
        """
        is_new = self.state == PAUSED and self.paused_for not in (BY_PERSON, reason)
        if is_new:
            self.paused_for = reason
        return is_new
