"""One upload: a file, its state, and the three values that describe its transfer."""

from uploader.transfer import states
from uploader.transfer.errors import IllegalMove, TransferError
from uploader.transfer.options import Options
from uploader.transfer.progress import Progress
from uploader.transfer.states import StateMachine
from uploader.transfer.target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from uploader.transfer.files import File
    from uploader.transfer.target import RefusedObject

    class Controls(Protocol):
        """The actions of a queue on one upload."""

        def pause(self, upload: "Upload") -> None:
            """Pause it."""

        def resume(self, upload: "Upload") -> None:
            """Continue it after a pause."""

        def cancel(self, upload: "Upload") -> None:
            """Cancel it."""

        def retry(self, upload: "Upload") -> None:
            """Send it again."""

        def send_next(self, upload: "Upload") -> None:
            """Send it before all others."""


__all__ = ["Upload"]


class SavedRecord:
    """The record of an upload in the browser's storage, as far as it is written.

    Attributes:
        name: of the record; empty if there is none.
        upload_id: the multipart upload id in the record.
        arrived: `Progress.arrived` in bytes when the record was written.
        is_abandoned: a page that finds the record removes it and its parts.
        is_due: the upload lost its record to another tab and needs one again.
    """

    def __init__(self) -> None:
        self.name = ""
        self.upload_id = ""
        self.arrived = 0
        self.is_abandoned = False
        self.is_due = False

    def save_as(self, name: str) -> None:
        """Note the record's name; empty if the record is removed."""
        self.name = name

    def save_parts(self, arrived: int) -> None:
        """Note that the record says how many bytes have arrived."""
        self.arrived = arrived

    def save_id(self, upload_id: str) -> None:
        """Note that the storage has the record of this multipart upload."""
        self.upload_id = upload_id

    def abandon(self, is_abandoned: bool) -> None:
        """Note whether a later page is to remove the upload."""
        self.is_abandoned = is_abandoned

    def lose(self) -> None:
        """Note that another tab sends the file, so that the record is removed."""
        self.is_due = True


class RequestState:
    """The requests of an upload: how many are in flight or waiting, and since when they fail.

    Attributes:
        has_errors: OSS has answered with errors, and with nothing else, for a while.
    """

    def __init__(self) -> None:
        self.has_errors = False
        self._failing_since_s: float | None = None
        self._in_flight = self._waiting = 0

    def send(self, more: int) -> None:
        """Note that one request more (1) or less (-1) is in flight or about to be sent."""
        self._in_flight += more

    def wait(self, more: int) -> None:
        """Note that one request more (1) or less (-1) waits for its next try."""
        self._waiting += more

    def is_waiting(self) -> bool:
        """Tell whether a request waits for its next try and no other is in flight."""
        return self._waiting > 0 and not self._in_flight

    def failing_s(self, now_s: float) -> float:
        """Note a failure, and return for how many seconds requests have only failed."""
        if self._failing_since_s is None:
            self._failing_since_s = now_s
        return now_s - self._failing_since_s

    def recover(self) -> None:
        """Forget since when requests fail: one succeeded, or the failure was not theirs."""
        self._failing_since_s = None

    def note_errors(self, has_errors: bool) -> bool:
        """Note whether OSS answers with errors; return whether that is a change."""
        is_new = has_errors != self.has_errors
        self.has_errors = has_errors
        return is_new


class Upload:
    """A file and its state. `on_change(upload)` is called after every change.

    Attributes:
        target: the object that the file becomes.
        progress: how far the transfer is.
        record: what the browser's storage has of this upload.
        requests: its requests in flight, and their failures.
        error: why it failed.
    """

    def __init__(
        self,
        file: "File",
        on_change: "Callable[[Upload], None]",
        *,
        options: "Options | None" = None,
        number: int = 0,
        controls: "Controls | None" = None,
    ) -> None:
        self.file = file
        self.options = options or Options()
        self.number = number
        self.urgent = False
        self.error: Exception | None = None
        self.target = Target()
        self.progress = Progress(file, self.changed)
        self.record = SavedRecord()
        self.requests = RequestState()
        self._machine = StateMachine()
        self._on_change = on_change
        self._controls = controls

    @property
    def state(self) -> str:
        """One of the states of `states`."""
        return self._machine.state

    @property
    def paused_for(self) -> str:
        """The reason of a pause, one of `states`; empty if it is not paused."""
        return self._machine.paused_for

    @property
    def sent(self) -> int:
        """Bytes that have left."""
        return self.progress.sent

    @property
    def key(self) -> str:
        """The object's key; empty until it is known."""
        return self.target.key

    @property
    def upload_id(self) -> str:
        """The id of the multipart upload; empty if there is none."""
        return self.progress.upload_id

    @property
    def sha256(self) -> str:
        """The file's SHA-256 in hexadecimal, once it is computed."""
        return self.target.sha256

    @property
    def crc64(self) -> str:
        """The object's CRC-64 in decimal, once OSS has confirmed it."""
        return self.target.crc64

    @property
    def request_id(self) -> str:
        """The id of the OSS request that stored the object."""
        return self.target.request_id

    @property
    def identical(self) -> bool:
        """Whether the same file was stored before, so that nothing was sent."""
        return self.target.identical

    @property
    def refused(self) -> "RefusedObject | None":
        """The object that OSS stored in place of the file."""
        return self.target.refused

    @property
    def is_stream(self) -> bool:
        """Whether the file is a stream."""
        return getattr(self.file, "is_stream", False)

    def pause(self) -> None:
        """Stop at once and keep what OSS has. An upload that has ended stays as it is."""
        self._queue().pause(self)

    def resume(self) -> None:
        """Continue after `pause`."""
        self._queue().resume(self)

    def cancel(self) -> None:
        """Stop at once and remove what OSS has. An upload that has ended stays as it is."""
        self._queue().cancel(self)

    def retry(self) -> None:
        """Send a failed or cancelled upload again; parts that OSS still has are not sent again."""
        self._queue().retry(self)

    def send_next(self) -> None:
        """Send this upload before all others."""
        self._queue().send_next(self)

    def may_retry(self) -> bool:
        """Tell whether the upload has failed for a reason that another try may not meet."""
        is_final = isinstance(self.error, TransferError) and self.error.is_final
        return self.state == states.FAILED and not is_final

    def rank(self) -> "tuple[bool, int, int]":
        """Return the sort key of the queue: urgent first, then small, then added first."""
        return (not self.urgent, self.file.size, self.number)

    def go(self, to: str) -> None:
        """Move to another state.

        Raises:
            IllegalMove: the present state does not lead there.
        """
        self._machine.go(to)
        self.changed()

    def fail(self, error: Exception) -> None:
        """Move to `failed` because of `error`."""
        self.error = error
        self._stop()
        self.go(states.FAILED)

    def pause_by_person(self) -> None:
        """Move to `paused` because a person asked for it."""
        self._stop()
        self._machine.pause(states.BY_PERSON)
        self.changed()

    def restart(self) -> None:
        """Move back to `waiting`. Key and parts stay, so that nothing is stored or sent twice."""
        self.error = None
        self.requests.recover()
        self.requests.note_errors(False)
        self._stop()
        self.go(states.WAITING)

    def cleaned(self, error: "Exception | None") -> None:
        """Note why OSS kept the parts of a cancelled upload; `None` if it removed them."""
        self.error = error

    def forget_parts(self) -> None:
        """Forget the multipart upload; the file will be sent from its first byte."""
        self._machine.clear()
        self.progress.forget()

    def hurry(self) -> None:
        """Rank before all uploads that are not urgent."""
        self.urgent = True
        self.changed()

    def use(self, file: "File", options: "Options | None" = None) -> None:
        """Send this file in place of the present one, or with other options."""
        self.file = file
        self.options = options or self.options
        self.progress.use(file)

    def hold(self, reason: str) -> None:
        """Note that a part of this upload has to wait for `reason`, one of `states.FOR_*`."""
        if self._machine.hold(reason):
            self.changed()

    def release(self, reason: str) -> None:
        """Note that one wait is over; after the last one the upload continues."""
        if self._machine.release(reason):
            self.changed()

    def has_begun(self) -> bool:
        """Tell whether this page or an earlier one may have sent bytes under the key."""
        return bool(self.target.maybe_stored or self.upload_id or self.progress.all_sent)

    def changed(self) -> None:
        """Tell listeners of a change."""
        self._on_change(self)

    def _queue(self) -> "Controls":
        if self._controls is None:
            raise IllegalMove("this upload was not made by a queue")
        return self._controls

    def _stop(self) -> None:
        self._machine.clear()
        self.progress.ground()
