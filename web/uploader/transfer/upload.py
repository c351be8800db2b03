"""One upload: a file on its way, and what is known about it.

`single` and `multipart` know how it is sent.
"""

from uploader.transfer import states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.transfer.checkpoint import Checkpoint
    from uploader.transfer.ports import File

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
        self, file: "File", on_change: "Callable[[Upload], None]", *, number: int = 0
    ) -> None:
        self.file = file
        self.number = number
        self.state = states.WAITING
        self.paused_for = ""
        self.urgent = False
        self.sent = 0  # bytes
        self.key = ""
        self.crc64 = ""  # confirmed by OSS, decimal text
        self.request_id = ""
        self.error: Exception | None = None
        self.trouble_s = 0.0  # spent waiting after errors
        self.upload_id = ""
        self.part_size = 0
        self.parts: dict[int, SentPart] = {}
        self.adopted = False  # its parts are from an earlier page, and to be proved
        self.kept = 0  # `sent` at the latest checkpoint
        self._arrived = 0  # bytes of `parts`
        self._flying: dict[int, int] = {}
        self._holds: list[str] = []
        self._held_in = ""
        self._on_change = on_change

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

    def pause(self) -> None:
        """Move to `paused` because a person wants it."""
        self._at_rest()
        self.paused_for = states.BY_PERSON
        self.go(states.PAUSED)

    def restart(self) -> None:
        """Go back to `waiting`. Key and parts stay: nothing is stored twice or sent again."""
        self.error = None
        self.trouble_s = 0.0
        self._at_rest()
        self.go(states.WAITING)

    def take_over(self, record: "Checkpoint") -> None:
        """Go on with the multipart upload of an earlier page."""
        self.key = record.key
        self.upload_id = record.upload_id
        self.part_size = record.part_size
        self.adopted = True

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

    def release(self, reason: str) -> None:
        """Note that the wait is over; with the last one the upload goes on."""
        if reason in self._holds:
            self._holds.remove(reason)
        if not self._holds and self.state == states.PAUSED and self.paused_for == reason:
            self.go(self._held_in)

    def fly(self, number: int, sent: int) -> None:
        """Note that `sent` bytes of a part, or of the whole file as part 1, have left."""
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

    def _at_rest(self) -> None:
        self._flying = {}
        self._holds = []
        self._sum()

    def _count(self) -> None:
        self._sum()
        self.changed()

    def _sum(self) -> None:
        self.sent = min(self.file.size, self._arrived + sum(self._flying.values()))
