"""The progress of an upload: the parts that OSS has, and the bytes in flight."""

from ossferry_uploader.oss.crc64 import Shifter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ossferry_uploader.transfer.files import File


class SentPart:
    """A part that OSS has: its ETag (with quotes), its CRC-64 and its size in bytes."""

    def __init__(self, etag: str, crc64: int, size: int) -> None:
        self.etag = etag
        self.crc64 = crc64
        self.size = size


class Progress:
    """The progress of one upload.

    `on_change()` is called when the number of sent bytes changes.

    Attributes:
        file: the file that is sent: the chosen file, or the file that checks have made from it.
        upload_id: the id of the multipart upload in OSS; empty if there is none.
        part_size: the size in bytes of a unit, of which each part has one or more; 0 until the file
            is divided.
        parts: the parts that OSS has, by part number. They do not overlap.
        units: the number of units of each part that this page has begun to send, by part number. If
            a part is sent again, it gets the same number of units, because OSS may still store the
            first request.
        made: name and size in bytes of the file that checks have made from the chosen file, if the
            parts in OSS belong to it; `None` if they belong to the chosen file.
        is_unproved: whether the parts that an earlier page sent still have to be compared with the
            file.
        unanswered_begins: the number of InitiateMultipartUpload requests without an answer. Each of
            these requests may have created a multipart upload with an unknown id.
        sent: the number of bytes sent so far, at most the size of the file.
        arrived: the number of bytes that OSS has confirmed as parts.
        all_sent: whether every byte was sent at least once. OSS may then have stored the object
            already, although the page has no reply.
    """

    def __init__(self, file: "File", on_change: "Callable[[], None]") -> None:
        self.upload_id = ""
        self.part_size = 0
        self.parts: dict[int, SentPart] = {}
        self.units: dict[int, int] = {}
        self.made: tuple[str, int] | None = None
        self.is_unproved = False
        self.unanswered_begins = 0
        self.sent = 0
        self.arrived = 0
        self.all_sent = False
        self.file = file
        self._in_flight: dict[int, int] = {}
        self._on_change = on_change

    def continue_from(
        self,
        upload_id: str,
        part_size: int,
        *,
        may_have_begun: bool = False,
        made: "tuple[str, int] | None" = None,
    ) -> None:
        """Set the progress of an upload that an earlier page has begun.

        The parts in OSS still have to be compared with the file.

        Args:
            upload_id: the id of the multipart upload; empty if there is none.
            part_size: the size in bytes of a unit, of which each part has one or more.
            may_have_begun: whether the earlier page may have created a multipart upload whose id is
                unknown.
            made: name and size in bytes of the file that checks have made from the chosen file, if
                the parts in OSS belong to it; otherwise `None`.
        """
        self.upload_id = upload_id
        self.part_size = part_size
        self.made = made
        self.is_unproved = bool(upload_id)
        self.unanswered_begins = 1 if may_have_begun else 0

    def fly(self, number: int, sent: int) -> None:
        """Record that a part is being sent, and how many of its bytes are sent so far.

        Args:
            number: the part number. It is 1 if the whole file is sent in one request, and 0 if
                another tab sends the same file.
            sent: the number of bytes of the part that were sent so far.
        """
        if self._in_flight.get(number) != sent:
            self._in_flight[number] = sent
            self._count()

    def land(self, number: int, part: "SentPart | None" = None) -> None:
        """Record that a part is no longer being sent.

        Args:
            number: the part number; 1 for a whole file, 0 for a file that another tab sends.
            part: the part that OSS has confirmed; `None` if sending failed.
        """
        self._in_flight.pop(number, None)
        if part:
            self.lose(number)
            self.parts[number] = part
            self.arrived += part.size
        self._count()

    def lose(self, number: int) -> None:
        """Remove a part from `parts`, because OSS does not have the part."""
        gone = self.parts.pop(number, None)
        if gone:
            self.arrived -= gone.size

    def ground(self) -> None:
        """Record that no part is being sent any more, because all requests have ended."""
        self._in_flight = {}
        self._sum()

    def clear(self) -> None:
        """Forget the multipart upload and its parts; OSS keeps them."""
        self.upload_id = ""
        self.is_unproved = False
        self.parts = {}
        self.units = {}
        self.arrived = 0
        self.ground()

    def is_complete(self) -> bool:
        """Return whether OSS has confirmed every byte of the file as a part."""
        return bool(self.parts) and self.arrived == self.file.size and not self.is_open()

    def combined_crc64(self) -> int:
        """Return the CRC-64 of the object, combined from the CRC-64 of all its parts in order."""
        unit, rests = Shifter(self.part_size), {}
        crc = 0
        for number in sorted(self.parts):
            part = self.parts[number]
            units, rest = divmod(part.size, self.part_size)
            for _ in range(units - (not rest)):
                crc = unit.combine(crc, 0)
            if rest and rest not in rests:
                rests[rest] = Shifter(rest)
            crc = (rests[rest] if rest else unit).combine(crc, part.crc64)
        return crc

    def is_open(self) -> bool:
        """Return whether the file is a stream that has not ended."""
        return bool(getattr(self.file, "is_open", False))

    def _count(self) -> None:
        self._sum()
        self.all_sent = self.all_sent or (self.sent == self.file.size and not self.is_open())
        self._on_change()

    def _sum(self) -> None:
        self.sent = min(self.file.size, self.arrived + sum(self._in_flight.values()))
