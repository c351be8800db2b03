"""How far an upload is: the parts that OSS has, and the bytes in flight."""

from uploader.oss.crc64 import Shifter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.transfer.files import File

__all__ = ["Progress", "SentPart"]


class SentPart:
    """A part that OSS has: quoted ETag, CRC-64 and size in bytes."""

    def __init__(self, etag: str, crc64: int, size: int) -> None:
        self.etag = etag
        self.crc64 = crc64
        self.size = size


class Progress:
    """The transfer of one file. Other modules change it through its methods only.

    `on_change()` is called when the number of sent bytes changes.

    Attributes:
        upload_id: of the multipart upload in OSS; empty if there is none.
        part_size: in bytes; 0 until the file is cut into parts.
        parts: the parts that OSS has, by part number.
        is_unproved: `parts` of an earlier page are not compared with the file yet.
        unanswered_begins: InitiateMultipartUpload requests without an answer; each may have
            created a multipart upload whose id nobody knows.
        sent: bytes that have left, at most the size of the file.
        arrived: bytes that OSS has confirmed as parts.
        all_sent: every byte has left at least once, so the object may exist.
    """

    def __init__(self, file: "File", on_change: "Callable[[], None]") -> None:
        self.upload_id = ""
        self.part_size = 0
        self.parts: dict[int, SentPart] = {}
        self.is_unproved = False
        self.unanswered_begins = 0
        self.sent = 0
        self.arrived = 0
        self.all_sent = False
        self._file = file
        self._in_flight: dict[int, int] = {}
        self._on_change = on_change

    def use(self, file: "File") -> None:
        """Count the bytes of this file from now on: a short stream has become a file."""
        self._file = file

    def plan(self, part_size: int) -> None:
        """Set the size of the parts, in bytes."""
        self.part_size = part_size

    def continue_from(
        self, upload_id: str, part_size: int, *, may_have_begun: bool = False
    ) -> None:
        """Continue the upload of an earlier page; its parts are unproved.

        Args:
            may_have_begun: that page may have created a multipart upload whose id is unknown.
        """
        self.upload_id = upload_id
        self.part_size = part_size
        self.is_unproved = bool(upload_id)
        self.unanswered_begins = 1 if may_have_begun else 0

    def doubt(self) -> None:
        """Have the parts compared with the file again: another page may have sent some."""
        self.is_unproved = bool(self.upload_id)

    def prove(self) -> None:
        """Note that the parts are those of this file."""
        self.is_unproved = False

    def ask_to_begin(self) -> None:
        """Note an InitiateMultipartUpload request, which may never be answered."""
        self.unanswered_begins += 1

    def begin_refused(self) -> None:
        """Note that such a request was refused and created nothing."""
        self.unanswered_begins -= 1

    def begun(self, upload_id: str) -> None:
        """Note the id of the multipart upload that such a request has created."""
        self.upload_id = upload_id
        self.unanswered_begins -= 1

    def orphans_removed(self) -> None:
        """Note that no multipart upload of an unanswered request is left."""
        self.unanswered_begins = 0

    def fly(self, number: int, sent: int) -> None:
        """Note that `sent` bytes of a part, or of the whole file as part 1, have left."""
        if self._in_flight.get(number) != sent:
            self._in_flight[number] = sent
            self._count()

    def land(self, number: int, part: "SentPart | None" = None) -> None:
        """Note that a part is not in flight any more; with `part`, that OSS has it."""
        self._in_flight.pop(number, None)
        if part:
            self.drop(number)
            self.parts[number] = part
            self.arrived += part.size
        self._count()

    def drop(self, number: int) -> None:
        """Note that OSS does not have a part."""
        gone = self.parts.pop(number, None)
        if gone:
            self.arrived -= gone.size

    def ground(self) -> None:
        """Note that nothing is in flight."""
        self._in_flight = {}
        self._sum()

    def forget(self) -> None:
        """Forget the multipart upload and its parts."""
        self.upload_id = ""
        self.is_unproved = False
        self.parts = {}
        self.arrived = 0
        self.ground()

    def is_complete(self) -> bool:
        """Tell whether OSS has confirmed every byte of the file as a part."""
        return bool(self.parts) and self.arrived == self._file.size and not self.is_open()

    def combined_crc64(self) -> int:
        """Return the CRC-64 of all parts in order."""
        shifters: dict[int, Shifter] = {}  # by part size, as most parts have the same
        crc = 0
        for number in sorted(self.parts):
            part = self.parts[number]
            if part.size not in shifters:
                shifters[part.size] = Shifter(part.size)
            crc = shifters[part.size].combine(crc, part.crc64)
        return crc

    def is_open(self) -> bool:
        """Tell whether the file is a stream that has not ended."""
        return bool(getattr(self._file, "is_open", False))

    def _count(self) -> None:
        self._sum()
        self.all_sent = self.all_sent or (self.sent == self._file.size and not self.is_open())
        self._on_change()

    def _sum(self) -> None:
        self.sent = min(self._file.size, self.arrived + sum(self._in_flight.values()))
