"""One upload: a file on its way, and what is known about it.

`single` and `multipart` know how it is sent.
"""

from uploader.oss.crc64 import Shifter
from uploader.transfer import states
from uploader.transfer.errors import IllegalMove, TransferError
from uploader.transfer.options import Options
from uploader.transfer.plan import MAX_SINGLE_BYTES
from uploader.transfer.refused import RefusedObject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.oss.replies import Stored
    from uploader.transfer.journal.checkpoint import Checkpoint
    from uploader.transfer.ports import File
    from uploader.transfer.queue import Queue

__all__ = ["SentPart", "Upload"]


class SentPart:
    """A part that OSS has: quoted ETag, CRC-64 and size in bytes."""

    def __init__(self, etag: str, crc64: int, size: int) -> None:
        self.etag = etag
        self.crc64 = crc64
        self.size = size


class Upload:
    """A file and its state. `on_change(upload)` is called after every change.

    `parts` maps part numbers to `SentPart`; `paused_for` is one of the reasons of `states`.
    """

    def __init__(
        self,
        file: "File",
        on_change: "Callable[[Upload], None]",
        *,
        options: "Options | None" = None,
        number: int = 0,
        queue: "Queue | None" = None,
    ) -> None:
        self.file = file
        self.is_stream = getattr(file, "is_stream", False)
        self.options = options or Options()
        self.number = number
        self.content_type = ""  # of the object, once it is known
        self.sha256 = ""  # of the file, if the options want it
        self.state = states.WAITING
        self.paused_for = ""
        self.urgent = False
        self.sent = 0  # bytes
        self.all_left = False  # every byte has been on its way: the object may be there
        self.folder_id = ""  # of a folder whose files lie together; set before it is sent
        self.key = ""
        self.crc64 = ""  # confirmed by OSS, decimal text
        self.request_id = ""
        self.refused: RefusedObject | None = None  # what OSS has instead of the file
        self.identical = False  # it was stored before, and nothing has been sent
        self.looking = self.looked = False  # for an object that is this very file
        self.error: Exception | None = None
        self.trouble_since_s: float | None = None  # if nothing has gone well since
        self.has_errors = False  # OSS has answered with errors, and nothing else, for a while
        self._sending = self._waiting_again = 0  # requests
        self.upload_id = ""
        self.lost_begins = 0  # uploads in parts that OSS may have begun, and nobody has the id of
        self.part_size = 0
        self.parts: dict[int, SentPart] = {}
        self.adopted = False  # its parts are from an earlier page, and to be proved
        self.kept = 0  # `arrived` at the latest checkpoint
        self.given_up = False  # a page that finds its record removes it
        self.kept_as = ""  # the name of its record in the browser's storage
        self.noted = ""  # the upload id that this record has
        self.may_replace = False  # what lies under its key is its own, and not the file
        self.followed = False  # another page's upload of the file, which ended without it
        self.careful = False  # an earlier page may have stored it under this key already
        self._arrived = 0  # bytes of `parts`
        self._flying: dict[int, int] = {}
        self._holds: list[str] = []
        self._held_in = ""
        self._on_change = on_change
        self._queue = queue

    def pause(self) -> None:
        """Stop at once; what OSS has stays there. Nothing happens to an upload that has ended."""
        self._in_queue().pause(self)

    def resume(self) -> None:
        """Go on after `pause`."""
        self._in_queue().resume(self)

    def cancel(self) -> None:
        """Stop at once and remove what OSS has; nothing happens to an upload that has ended."""
        self._in_queue().cancel(self)

    def retry(self) -> None:
        """Send a failed or cancelled upload again; what OSS still has is not sent twice."""
        self._in_queue().retry(self)

    def send_next(self) -> None:
        """Go before all other uploads."""
        self._in_queue().send_next(self)

    @property
    def arrived(self) -> int:
        """Bytes that OSS has confirmed as parts."""
        return self._arrived

    def may_retry(self) -> bool:
        """Tell whether it has failed for a reason that another try may not meet."""
        is_final = isinstance(self.error, TransferError) and self.error.is_final
        return self.state == states.FAILED and not is_final

    def rank(self) -> "tuple[bool, int, int]":
        """Return what orders uploads: urgent ones, then small ones, then those added first."""
        return (not self.urgent, self.file.size, self.number)

    def go(self, to: str) -> None:
        """Move to another state."""
        self.state = states.move(self.state, to)
        if to != states.PAUSED:
            self.paused_for = ""
        self.changed()

    def fail(self, error: Exception) -> None:
        """Move to `failed` because of `error`."""
        self.error = error
        self._at_rest()
        self.go(states.FAILED)

    def rest(self) -> None:
        """Move to `paused` because a person wants it."""
        self._at_rest()
        self.paused_for = states.BY_PERSON
        self.go(states.PAUSED)

    def restart(self) -> None:
        """Go back to `waiting`. Key and parts stay: nothing is stored twice or sent again."""
        self.error = None
        self.trouble_since_s = None
        self.has_errors = False
        self._at_rest()
        self.go(states.WAITING)

    def take_over(self, record: "Checkpoint") -> None:
        """Go on with the upload of an earlier page."""
        self.key = self.kept_as = record.key
        self.upload_id = record.upload_id
        self.part_size = record.part_size
        self.sha256 = record.sha256
        self.noted = record.upload_id
        self.adopted = bool(record.upload_id)
        self.careful = True
        in_parts = record.size > MAX_SINGLE_BYTES and not record.upload_id
        self.lost_begins = 1 if in_parts else 0  # for all that is known
        if record.options.given != self.options.given:
            self.options = record.options

    def refuse(self, stored: "Stored", crc64: str) -> None:
        """Note that OSS has stored something else than the file with this CRC-64."""
        self.refused = RefusedObject(self.key, stored, size=self.file.size, crc64=crc64)

    def replace_refused(self) -> None:
        """Note that the file takes the place of what was refused, if that lies under its key."""
        if self.refused and self.refused.key == self.key:
            self.refused = None

    def meet_errors(self, has_errors: bool) -> None:
        """Note whether OSS answers with errors."""
        if has_errors != self.has_errors:
            self.has_errors = has_errors
            self.changed()

    def look(self, is_looking: bool) -> None:
        """Note that it is being found out whether this very file is stored already."""
        self.looking = is_looking
        self.changed()

    def note_sending(self, more: int) -> None:
        """Note that one request more, or less, is on its way or has its turn next."""
        self._sending += more

    def wait_again(self, more: int) -> None:
        """Note that one request more, or less, waits before it is sent again."""
        self._waiting_again += more
        self.changed()

    def waits_again(self) -> bool:
        """Tell whether a request waits to be sent again, and no other is on its way."""
        return self._waiting_again > 0 and not self._sending

    def is_complete(self) -> bool:
        """Tell whether OSS has confirmed every byte as a part."""
        return bool(self.parts) and self._arrived == self.file.size and not self.is_open()

    def has_begun(self) -> bool:
        """Tell whether this page or an earlier one may have sent something under its key."""
        return bool(self.careful or self.upload_id or self.all_left)

    def is_open(self) -> bool:
        """Tell whether it is a stream of which more may come."""
        return bool(getattr(self.file, "is_open", False))

    def combined_crc64(self) -> int:
        """Return the CRC-64 of all parts in order; most of them have one size."""
        shifters: dict[int, Shifter] = {}
        crc = 0
        for number in sorted(self.parts):
            part = self.parts[number]
            if part.size not in shifters:
                shifters[part.size] = Shifter(part.size)
            crc = shifters[part.size].combine(crc, part.crc64)
        return crc

    def forget_parts(self) -> None:
        """Begin a multipart upload anew."""
        self.upload_id = ""
        self.adopted = False
        self.parts = {}
        self._arrived = 0
        self._at_rest()

    def hold(self, reason: str) -> None:
        """Note that something in this upload has to wait for `reason`."""
        self._holds.append(reason)
        if self.state in (states.UPLOADING, states.VERIFYING):
            self._held_in = self.state
            self.paused_for = reason
            self.go(states.PAUSED)
        else:
            self._wait_for(reason)

    def release(self, reason: str) -> None:
        """Note that the wait is over; with the last one the upload goes on."""
        if reason in self._holds:
            self._holds.remove(reason)
        if self._holds:
            self._wait_for(self._holds[-1])
        elif self.state == states.PAUSED and self.paused_for != states.BY_PERSON:
            self.go(self._held_in)

    def fly(self, number: int, sent: int) -> None:
        """Note that `sent` bytes of a part, or of the whole file as part 1, have left."""
        if self._flying.get(number) != sent:
            self._flying[number] = sent
            self._count()

    def land(self, number: int, part: "SentPart | None" = None) -> None:
        """Note that a part is not on its way any more, and perhaps that OSS has it."""
        self._flying.pop(number, None)
        if part:
            self.drop(number)
            self.parts[number] = part
            self._arrived += part.size
        self._count()

    def drop(self, number: int) -> None:
        """Note that OSS does not have a part, whatever it said before."""
        gone = self.parts.pop(number, None)
        if gone:
            self._arrived -= gone.size

    def changed(self) -> None:
        """Tell of a change."""
        self._on_change(self)

    def _wait_for(self, reason: str) -> None:
        """Name the latest of several reasons; a pause by a person goes before all of them."""
        if self.state == states.PAUSED and self.paused_for not in (states.BY_PERSON, reason):
            self.paused_for = reason
            self.changed()

    def _in_queue(self) -> "Queue":
        if self._queue is None:
            raise IllegalMove("this upload was not made by a queue")
        return self._queue

    def _at_rest(self) -> None:
        self._flying = {}
        self._holds = []
        self._sum()

    def _count(self) -> None:
        self._sum()
        self.all_left = self.all_left or (self.sent == self.file.size and not self.is_open())
        self.changed()

    def _sum(self) -> None:
        self.sent = min(self.file.size, self._arrived + sum(self._flying.values()))
