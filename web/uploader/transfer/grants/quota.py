"""The rest of a person's quota, as far as a page can know it.

The server counts stored objects, and sends the rest with each grant and receipt. Between two such
answers the page counts its uploads in flight and the stored objects that the server has not counted
yet. The page does not enforce the quota; it avoids sending a file that the server would refuse.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Left", "Quota", "read_left"]


class Left:
    """The rest of a quota in bytes and in objects; `None` for no limit."""

    def __init__(self, size: "int | None" = None, count: "int | None" = None) -> None:
        self.size = size
        self.count = count

    def facts(self) -> "tuple[int | None, int | None]":
        """Return both numbers, for a comparison."""
        return (self.size, self.count)

    def has(self, size: int, count: int) -> bool:
        """Tell whether `count` objects with `size` bytes in total fit into the rest."""
        fits = self.size is None or size <= self.size
        return fits and (self.count is None or count <= self.count)

    def less(self, used: "_Sum") -> "Left":
        """Return the rest after these uploads."""
        return Left(_less(self.size, used.size), _less(self.count, len(used.sizes)))


def read_left(document: "Any") -> Left:
    """Return the rest from the `quota` of a grant or receipt.

    Args:
        document: `None`, or a dictionary with `bytes_left` and `objects_left`.
    """
    quota = document if isinstance(document, dict) else {}
    return Left(_whole(quota.get("bytes_left")), _whole(quota.get("objects_left")))


class _Sum:
    """Sizes in bytes by upload number, and their sum."""

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self.size = 0

    def add(self, number: int, size: int) -> None:
        self.drop(number)
        self.sizes[number] = size
        self.size += size

    def drop(self, number: int) -> None:
        self.size -= self.sizes.pop(number, 0)


class Quota:
    """The quota that all uploads of a page share.

    `on_change()` is called when the result of `left` may have changed.
    """

    def __init__(self) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._granted: Left | None = None
        self._told = Left()
        self._sending = _Sum()
        self._arrived = _Sum()  # stored, but not counted by the server yet

    def left(self) -> Left:
        """Return the rest of the quota; uploads in flight are not subtracted."""
        return self._told.less(self._arrived)

    def granted(self, left: Left) -> None:
        """Set the rest from a grant; a second call with the same grant changes nothing."""
        if left is not self._granted:
            self._granted = left
            self.told(left)

    def told(self, left: Left) -> None:
        """Set the rest from the server's latest answer."""
        self._told = left
        self.on_change()

    def used_up(self, quota: "dict[str, Any]") -> None:
        """Set the rest to 0 bytes or 0 objects, as the `quota` of a refusal says."""
        is_size = str(quota.get("limit", "")).startswith("bytes")
        told = self._told
        self.told(Left(0, told.count) if is_size else Left(told.size, 0))

    def take(self, number: int, size: int) -> bool:
        """Reserve quota for an upload; `False` if too little is left."""
        if number in self._sending.sizes:
            return True
        if not self.fits(size):
            return False
        self._sending.add(number, size)
        return True

    def is_limited(self) -> bool:
        """Tell whether the server has sent a limit."""
        return self._told.facts() != (None, None)

    def fits(self, size: int) -> bool:
        """Tell whether one more upload of `size` bytes fits beside those in flight."""
        return self.left().less(self._sending).has(size, 1)

    def give_back(self, number: int) -> None:
        """Note that an upload is not in flight any more; its reserved quota is free again."""
        self._sending.drop(number)

    def arrived(self, number: int, size: int) -> None:
        """Note that an upload is stored."""
        self._sending.drop(number)
        self._arrived.add(number, size)
        self.on_change()

    def counted(self, number: int) -> None:
        """Note that the server's latest answer counts this upload, or that none ever will."""
        self._arrived.drop(number)
        self.on_change()


def _less(left: "int | None", used: int) -> "int | None":
    return None if left is None else max(0, left - used)


def _whole(value: "Any") -> "int | None":
    return value if isinstance(value, int) else None
