"""One upload: a file with its state, object, progress, stored record and requests."""

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.checks.verdict import CheckState
from ossferry_uploader.transfer.errors import FileRejected, IllegalMove, TransferError
from ossferry_uploader.transfer.options import Options, name_of
from ossferry_uploader.transfer.plan import MAX_SINGLE_BYTES
from ossferry_uploader.transfer.progress import Progress
from ossferry_uploader.transfer.states import StateMachine
from ossferry_uploader.transfer.target import RefusedObject, Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from ossferry_uploader.transfer.checks.claims import ReportFields
    from ossferry_uploader.transfer.files import File

    class Controls(Protocol):
        """Interface of the queue that uploads call; each method controls one upload."""

        def pause(self, upload: "Upload") -> None:
            """Pause the upload."""

        def resume(self, upload: "Upload") -> None:
            """Continue the upload after a person has paused it."""

        def cancel(self, upload: "Upload") -> None:
            """Cancel the upload."""

        def retry(self, upload: "Upload") -> None:
            """Send a failed or cancelled upload again."""

        def send_next(self, upload: "Upload") -> None:
            """Start the upload before all other waiting uploads."""


class SavedRecord:
    """What this page knows about an upload's record in the browser's storage.

    With a record, a later page can continue the upload.

    Attributes:
        name: the name of the record; empty if there is no record.
        upload_id: the id of the multipart upload in the record; empty if there is none.
        arrived: the value of `Progress.arrived`, in bytes, when the record was written.
        is_abandoned: whether a later page has to remove the upload's parts from OSS, instead of
            offering to continue the upload.
        saved: the key and the salt in the record, if the browser has stored the record; otherwise
            two empty texts.
        is_reported: whether the server has received the report about the stored file.
        is_due: whether the upload needs a new record, because the earlier one was removed while
            another tab was sending the file.
    """

    def __init__(self) -> None:
        self.name = ""
        self.upload_id = ""
        self.arrived = 0
        self.is_abandoned = False
        self.is_reported = False
        self.saved = ("", "")
        self.is_due = False


class RequestState:
    """Counts the requests of one upload, and measures for how long they have been failing.

    Attributes:
        has_errors: whether OSS has replied with server errors (5xx) for some seconds.
    """

    def __init__(self) -> None:
        self.has_errors = False
        self._failing_since_s: float | None = None
        self._in_flight = self._waiting = 0

    def send(self, more: int) -> None:
        """Change the number of requests that are in flight or about to be sent.

        Args:
            more: 1 for one more request, -1 for one request less.
        """
        self._in_flight += more

    def wait(self, more: int) -> None:
        """Change the number of requests that wait for their next try.

        Args:
            more: 1 for one more request, -1 for one request less.
        """
        self._waiting += more

    def is_waiting(self) -> bool:
        """Return whether a request waits for its next try, and no other request is in flight."""
        return self._waiting > 0 and not self._in_flight

    def failing_s(self, now_s: float) -> float:
        """Record a failed request, and return for how many seconds requests have been failing.

        The time is counted from the first failure after the latest success.

        Args:
            now_s: the time of a monotonic clock in seconds.
        """
        if self._failing_since_s is None:
            self._failing_since_s = now_s
        return now_s - self._failing_since_s

    def recover(self) -> None:
        """Forget the recorded failures, because a request has succeeded or an outage has ended."""
        self._failing_since_s = None

    def note_errors(self, has_errors: bool) -> bool:
        """Set the attribute `has_errors`, and return whether its value has changed."""
        is_new = has_errors != self.has_errors
        self.has_errors = has_errors
        return is_new


class Upload:
    """One file that is uploaded, and the state of its upload.

    `on_change(upload)` is called after every change.

    Attributes:
        source: the file that a person has chosen. Records and locks are found by this file.
        edit: how the person rotates and crops the picture, see `ports.Pictures`; `None` if not.
        edited: the rotated or cropped picture; `None` if there is none, or not yet.
        file: the file that is sent: `original`, or the file that the checks have made from it.
        target: the object that the upload stores.
        progress: the progress of the transfer.
        record: the state of the upload's record in the browser's storage.
        awaits_name: whether the upload must not start yet, because its name may be taken.
        asked_name: the latest name about which somebody was asked whether it is taken; empty if
            nobody was.
        requests: the numbers of requests in flight and waiting, and since when they have failed.
        check: the state of the checks of the file before the upload.
        error: the error that ended a failed upload, or the error from removing the parts of a
            cancelled upload; `None` if there is no error.
        checks: the results of the checks, for the receipt: `{"version": hash of checks.py, "ran":
            [{"check": name, "outcome": outcome, "says": sentence}]}`; `Verdict.ran` explains the
            outcomes. `None` if no check ran.
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
        self.source = self.file = file
        self.edit: list[int] | None = None
        self.edited: File | None = None
        self.options = options or Options()
        self.number = number
        self.urgent = False
        self.place = 0  # in the list, if a person has changed its order
        self.awaits_name = False
        self.asked_name = ""
        self.error: Exception | None = None
        self.checks: dict[str, Any] | None = None
        self.target = Target()
        self.progress = Progress(file, self.changed)
        self.record = SavedRecord()
        self.requests = RequestState()
        self.check = CheckState()
        self._machine = StateMachine()
        self._on_change = on_change
        self._controls = controls

    @property
    def state(self) -> str:
        """The present state of the upload, one of the constants in the module `states`."""
        return self._machine.state

    @property
    def paused_for(self) -> str:
        """The reason of a pause, one of the constants in `states`; empty if there is no pause."""
        return self._machine.paused_for

    @property
    def name(self) -> str:
        """The name of the object: a person's, or that of the file that is sent."""
        return name_of(self.options.name, self.source.name, self.file.name)

    @property
    def sent(self) -> int:
        """The number of bytes of the file that were sent so far."""
        return self.progress.sent

    @property
    def key(self) -> str:
        """The key of the object that the upload stores; empty until the upload has a key."""
        return self.target.key

    @property
    def upload_id(self) -> str:
        """The id of the multipart upload; empty if there is none."""
        return self.progress.upload_id

    @property
    def sha256(self) -> str:
        """The file's SHA-256 in hexadecimal; empty until the SHA-256 is computed."""
        return self.target.sha256

    @property
    def crc64(self) -> str:
        """The object's CRC-64 in decimal; empty until OSS has confirmed the value."""
        return self.target.crc64

    @property
    def request_id(self) -> str:
        """The id of the OSS request that stored the object; empty until the object is stored."""
        return self.target.request_id

    @property
    def identical(self) -> bool:
        """Whether an identical object was stored before, so that nothing was sent."""
        return self.target.identical

    @property
    def refused(self) -> "RefusedObject | None":
        """The object that OSS has stored, if it differs from the file; otherwise `None`."""
        return self.target.refused

    @property
    def report(self) -> "ReportFields":
        """A report to the server: `(object key, size in bytes, CRC-64, request id, checks)`."""
        return (self.key, self.file.size, self.crc64, self.request_id, self.checks)

    @property
    def is_single(self) -> bool:
        """Whether the file is sent in one request: it is small, or must be sent as a form."""
        return self.target.needs_form or self.file.size <= MAX_SINGLE_BYTES

    @property
    def is_stream(self) -> bool:
        """Whether the file is a stream, whose size is not known before it ends."""
        return getattr(self.file, "is_stream", False)

    @property
    def is_lasting(self) -> bool:
        """Whether a later page may read the file again, and so can continue the upload."""
        return self.source.is_lasting

    @property
    def original(self) -> "File":
        """The file as the checks get it: the edited picture, or the chosen file."""
        return self.edited or self.source

    @property
    def lacks_edit(self) -> bool:
        """Whether the picture still has to be rotated or cropped before it is checked and sent."""
        return bool(self.edit) and self.edited is None

    @property
    def made(self) -> "tuple[str, int] | None":
        """Name and size in bytes of the file that is sent, if it is not the chosen file."""
        return None if self.file is self.source else (self.file.name, self.file.size)

    def pause(self) -> None:
        """Stop the upload at once, and keep its parts in OSS.

        The call has no effect on an upload that has ended.
        """
        self._queue().pause(self)

    def resume(self) -> None:
        """Continue the upload after a call of `pause`; otherwise do nothing."""
        self._queue().resume(self)

    def cancel(self) -> None:
        """Stop the upload at once, and remove its parts from OSS.

        The call has no effect on an upload that has ended.
        """
        self._queue().cancel(self)

    def retry(self) -> None:
        """Send a failed or cancelled upload again, except the parts that OSS still has.

        Also continue an upload that a person paused. The call has no effect on other pauses.

        Raises:
            IllegalMove: the state is `waiting`, `checking`, `uploading`, `verifying` or `done`.
        """
        self._queue().retry(self)

    def send_next(self) -> None:
        """Start this upload before all other waiting uploads."""
        self._queue().send_next(self)

    def may_retry(self) -> bool:
        """Return whether the upload has failed, and sending it again may succeed."""
        is_final = isinstance(self.error, TransferError) and self.error.is_final
        return self.state == states.FAILED and not is_final

    def may_repair(self) -> bool:
        """Return whether a check refuses, or asks about, a table that the person can repair.

        The person can also repair a table again that another check has refused after the repair.
        """
        if self.paused_for == states.FOR_ANSWER:
            return bool(self.check.verdict and self.check.verdict.repair)
        error = self.error if self.state == states.FAILED else None
        return isinstance(error, FileRejected) and (error.repair or bool(self.check.repaired))

    def may_describe(self) -> bool:
        """Return whether the upload may get another name and other details: it has not begun.

        An upload of an earlier page may have begun, unless it has always lacked details. A file
        that a check has refused may get a name that the check accepts.
        """
        if self.state == states.FAILED:
            return isinstance(self.error, FileRejected)
        waits = self.paused_for in (states.BY_PERSON, states.FOR_ANSWER, states.FOR_DETAILS)
        has_begun = self.has_begun() and self.paused_for != states.FOR_DETAILS
        return not has_begun and (waits or self.state in (states.WAITING, states.CHECKING))

    def describe(self, name: str, details: "dict[str, str]") -> None:
        """Give the object another name and other details, for which it gets another key.

        Args:
            name: empty for the name of the file.
            details: metadata, whose names begin with `options.FIELD`.

        Raises:
            ValueError: the name is not safe, or there is too much metadata.
        """
        before, options = self.name, self.options.described(name, details)
        if self.check.options:
            self.check.options = self.check.options.described(name, details)
        self.use(self.file, options)
        if self.name == before:
            self.target.leave_key()
        else:
            self.target.restart()  # another file of the folder may have the new name

    def rank(self) -> "tuple[bool, int, int, int]":
        """Return the sort key of this upload; the queue starts the upload with the smallest one.

        Urgent uploads come first, then those that a person has put into an order, then uploads of
        smaller files, then uploads that were added earlier.
        """
        return (not self.urgent, self.place, self.file.size, self.number)

    def go(self, to: str) -> None:
        """Change the upload to another state, and call `on_change`.

        Raises:
            IllegalMove: the present state does not allow this change.
        """
        self._machine.go(to)
        self.changed()

    def fail(self, error: Exception) -> None:
        """Change the upload to the state `failed`, because of an error."""
        self.error = error
        self._stop()
        self.go(states.FAILED)

    def pause_by_person(self) -> None:
        """Change the upload to the state `paused`, because a person has paused it."""
        self._stop()
        self._machine.pause(states.BY_PERSON)
        self.changed()

    def wait_for_answer(self) -> None:
        """Pause the upload until the person has answered a question of the checks."""
        self._machine.pause(states.FOR_ANSWER)
        self.changed()

    def wait_for_details(self) -> None:
        """Pause the upload until it has the details that the operator requires."""
        self._machine.pause(states.FOR_DETAILS)
        self.changed()

    def restart(self) -> None:
        """Change the upload back to the state `waiting`, so that the queue starts it again.

        The upload keeps its key and its multipart upload, so that only the parts that OSS does not
        have yet are sent.
        """
        self.error = None
        self.requests.recover()
        self.requests.note_errors(False)
        self._stop()
        self.go(states.WAITING)

    def clear_parts(self) -> None:
        """Forget the multipart upload, so that the file is sent again from its first byte.

        The multipart upload in OSS is not aborted.
        """
        self._machine.clear()
        self.progress.clear()

    def use(self, file: "File", options: "Options | None" = None) -> None:
        """Replace the file that is sent and, if options are given, the options of the upload."""
        if self.is_stream:
            self.source = file
        self.file = file
        self.options = options or self.options
        self.progress.file = file

    def hold(self, reason: str) -> None:
        """Record that the upload has to wait, for example for the network, and pause it.

        The upload continues when all recorded waits have ended.

        Args:
            reason: the reason of the wait, one of the constants `states.FOR_*`.
        """
        if self._machine.hold(reason):
            self.changed()

    def end_hold(self, reason: str) -> None:
        """Record the end of a wait that `hold(reason)` has recorded.

        The upload continues when all recorded waits have ended.
        """
        if self._machine.end_hold(reason):
            self.changed()

    def has_begun(self) -> bool:
        """Return whether this page or an earlier page may have sent bytes of the file."""
        return bool(self.target.maybe_stored or self.upload_id or self.progress.all_sent)

    def changed(self) -> None:
        """Call `on_change`, because the upload has changed."""
        self._on_change(self)

    def _queue(self) -> "Controls":
        if self._controls is None:
            raise IllegalMove("this upload was not made by a queue")
        return self._controls

    def _stop(self) -> None:
        self._machine.clear()
        self.progress.ground()
