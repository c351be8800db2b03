"""A list of the records of unfinished uploads, with an index by the file's fingerprint."""

from ossferry_uploader.transfer.journal.checkpoint import fingerprint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ossferry_uploader.transfer.journal.checkpoint import Checkpoint


class RecordList:
    """The records of unfinished uploads, in the order in which they were added.

    The list stays fast with thousands of records.
    """

    def __init__(self) -> None:
        self._by_fingerprint: dict[str, list[Checkpoint]] = {}
        self._by_number: dict[int, Checkpoint] = {}
        self._added = 0

    def all(self) -> "list[Checkpoint]":
        """Return all records in the order in which they were added.

        The method does not sort, because MicroPython takes seconds to sort thousands of numbers
        that are already in order.
        """
        records = self._by_number
        return [records[number] for number in range(self._added) if number in records]

    def offered(self) -> "list[Checkpoint]":
        """Return the records of uploads that a person can continue, multipart uploads first."""
        records = [record for record in self.all() if not (record.is_abandoned or record.crc64)]
        begun = [record for record in records if record.upload_id]
        return begun + [record for record in records if not record.upload_id]

    def of(self, file: "Any") -> "list[Checkpoint]":
        """Return the records whose file has the same fingerprint as this file."""
        return self._by_fingerprint.get(fingerprint(file), []) if self._by_fingerprint else []

    def add(self, record: "Checkpoint") -> None:
        """Append a record; remove an older record of the same file with the same object key."""
        self.remove(record)
        record.number = self._added
        self._by_number[record.number] = record
        self._added += 1
        self._by_fingerprint.setdefault(fingerprint(record), []).append(record)

    def remove(self, record: "Checkpoint") -> bool:
        """Remove the record with the file and object key of `record`.

        Returns:
            Whether there was such a record.
        """
        wanted = fingerprint(record)
        before = self._by_fingerprint.pop(wanted, [])
        after = [other for other in before if other.key != record.key]
        if after:
            self._by_fingerprint[wanted] = after
        for other in before:
            if other.key == record.key:
                del self._by_number[other.number]
        return len(after) < len(before)
