"""The records of what earlier pages left, in the order in which they came and by their file."""

from uploader.transfer.journal.checkpoint import fingerprint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uploader.transfer.journal.checkpoint import Checkpoint

__all__ = ["RecordList"]


class RecordList:
    """A list of records that is quick with thousands of them."""

    def __init__(self) -> None:
        self._by_looks: dict[str, list[Checkpoint]] = {}
        self._by_number: dict[int, Checkpoint] = {}
        self._added = 0

    def all(self) -> "list[Checkpoint]":
        """Return all records.

        Not sorted: MicroPython takes seconds to sort thousands that are in order.
        """
        found = self._by_number
        return [found[each] for each in range(self._added) if each in found]

    def offered(self) -> "list[Checkpoint]":
        """Return what has begun, then the rest, without what a person gave up."""
        records = [record for record in self.all() if not record.is_abandoned]
        begun = [record for record in records if record.upload_id]
        return begun + [record for record in records if not record.upload_id]

    def of(self, file: "Any") -> "list[Checkpoint]":
        """Return the records of such a file."""
        return self._by_looks.get(fingerprint(file), []) if self._by_looks else []

    def add(self, record: "Checkpoint") -> None:
        """Put a record at the end, in place of an older one of the same key."""
        self.drop(record)
        record.number = self._added
        self._by_number[record.number] = record
        self._added += 1
        self._by_looks.setdefault(fingerprint(record), []).append(record)

    def drop(self, record: "Checkpoint") -> bool:
        """Take a record off the list; tell whether it was there."""
        looks = fingerprint(record)
        before = self._by_looks.pop(looks, [])
        after = [other for other in before if other.key != record.key]
        if after:
            self._by_looks[looks] = after
        for other in before:
            if other.key == record.key:
                del self._by_number[other.number]
        return len(after) < len(before)
