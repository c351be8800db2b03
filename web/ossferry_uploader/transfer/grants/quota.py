"""Estimate the remaining quota of a person.

The server counts stored objects, and sends the remaining quota with each grant and each receipt.
The page subtracts the uploads in flight, and the stored objects that the server has not counted
yet.

The page does not enforce the quota. It only avoids sending a file that does not fit.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Left:
    """A remaining quota: `size` in bytes and `count` in objects; `None` means no limit."""

    def __init__(self, size: "int | None" = None, count: "int | None" = None) -> None:
        self.size = size
        self.count = count

    def facts(self) -> "tuple[int | None, int | None]":
        """Return the remaining quota as a tuple `(size, count)`."""
        return (self.size, self.count)

    def has(self, size: int, count: int) -> bool:
        """Return whether `count` objects of `size` bytes in total fit into the remaining quota."""
        fits = self.size is None or size <= self.size
        return fits and (self.count is None or count <= self.count)

    def less(self, used: "_Sum") -> "Left":
        """Return this quota minus the size and number of some uploads; no value is below 0.

        Args:
            used: the sizes of the uploads in bytes, and their sum.
        """
        return Left(_less(self.size, used.size), _less(self.count, len(used.sizes)))


def read_left(document: "Any") -> Left:
    """Return the remaining quota that the server has sent in a grant or a receipt.

    Args:
        document: the `quota` field of the grant or receipt: `{"bytes_left": bytes or None,
            "objects_left": number or None}`. Any other value, such as `None`, means no limit.
    """
    quota = document if isinstance(document, dict) else {}
    return Left(_whole(quota.get("bytes_left")), _whole(quota.get("objects_left")))


class _Sum:
    """Stores the sizes of several uploads in bytes, by upload number, and the sum of the sizes."""

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self.size = 0

    def add(self, number: int, size: int) -> None:
        self.remove(number)
        self.sizes[number] = size
        self.size += size

    def remove(self, number: int) -> None:
        self.size -= self.sizes.pop(number, 0)


class Quota:
    """The remaining quota of the person who uploads. All uploads of a page share this object.

    `on_change()` is called when the result of `left` may have changed.
    """

    def __init__(self) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._granted: Left | None = None
        self._told = Left()
        self._sending = _Sum()
        self._arrived = _Sum()  # stored, but not counted by the server yet

    def left(self) -> Left:
        """Return the remaining quota. Uploads that are still in flight are not subtracted."""
        return self._told.less(self._arrived)

    def granted(self, left: Left) -> None:
        """Set the remaining quota that came with a grant.

        A second call with the quota of the same grant changes nothing.
        """
        if left is not self._granted:
            self._granted = left
            self.told(left)

    def told(self, left: Left) -> None:
        """Set the remaining quota that came without a grant, such as in a receipt."""
        self._told = left
        self.on_change()

    def used_up(self, quota: "dict[str, Any]") -> None:
        """Set the remaining bytes or objects to 0, because the server reports that none are left.

        Args:
            quota: the field `quota` of the server's error response. Bytes are used up if its value
                `limit` begins with `bytes`; otherwise objects.
        """
        is_size = str(quota.get("limit", "")).startswith("bytes")
        told = self._told
        self.told(Left(0, told.count) if is_size else Left(told.size, 0))

    def take(self, number: int, size: int) -> bool:
        """Reserve quota for an upload, and return whether enough quota was left.

        Args:
            number: `Upload.number` of the upload, which identifies it in later calls.
            size: the size of the file in bytes.
        """
        if number in self._sending.sizes:
            return True
        if not self.fits(size):
            return False
        self._sending.add(number, size)
        return True

    def is_limited(self) -> bool:
        """Return whether the server has sent a limit for bytes or for objects."""
        return self._told.facts() != (None, None)

    def fits(self, size: int) -> bool:
        """Return whether one more upload of `size` bytes fits into the remaining quota.

        The quota that `take` has reserved is not available.
        """
        return self.left().less(self._sending).has(size, 1)

    def give_back(self, number: int) -> None:
        """Release the quota that `take` has reserved for the upload with this number."""
        self._sending.remove(number)

    def arrived(self, number: int, size: int) -> None:
        """Record that an upload has stored its object, but the server has not counted it yet.

        The object is subtracted from the remaining quota until `counted` is called.

        Args:
            number: `Upload.number` of the upload that stored the object.
            size: the size of the object in bytes.
        """
        self._sending.remove(number)
        self._arrived.add(number, size)
        self.on_change()

    def counted(self, number: int) -> None:
        """Stop subtracting a stored object from the remaining quota.

        Call this method when the server has counted the object, or will never count it.

        Args:
            number: `Upload.number` of the upload that stored the object.
        """
        self._arrived.remove(number)
        self.on_change()


def _less(left: "int | None", used: int) -> "int | None":
    return None if left is None else max(0, left - used)


def _whole(value: "Any") -> "int | None":
    return value if isinstance(value, int) else None
