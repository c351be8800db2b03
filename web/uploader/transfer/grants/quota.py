"""What a person's quota still has room for, as far as a page can know.

The server counts what has arrived, and says with each grant and receipt what is left. Between two
such words the page counts itself: what is on its way, and what arrived that the server has not been
told of. Nothing is enforced by it; it spares people an upload that no quota has room for.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Left", "Quota", "read_left"]


class Left:
    """What is left, in bytes and in objects; `None` for no limit."""

    def __init__(self, size: "int | None" = None, count: "int | None" = None) -> None:
        self.size = size
        self.count = count

    def facts(self) -> "tuple[int | None, int | None]":
        """Return both, to be compared."""
        return (self.size, self.count)

    def has(self, size: int, count: int) -> bool:
        """Tell whether so many bytes in so many objects fit."""
        fits = self.size is None or size <= self.size
        return fits and (self.count is None or count <= self.count)

    def less(self, used: "_Sum") -> "Left":
        """Return what is left without these."""
        return Left(_less(self.size, used.size), _less(self.count, len(used.sizes)))


def read_left(document: "Any") -> Left:
    """Read `quota` of a grant or of a receipt: `null`, or `bytes_left` and `objects_left`."""
    quota = document if isinstance(document, dict) else {}
    return Left(_whole(quota.get("bytes_left")), _whole(quota.get("objects_left")))


class _Sum:
    """Sizes by the numbers of their uploads, and their sum."""

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
    """The room that all uploads of a page share; `on_change()` is called when `left` may differ."""

    def __init__(self) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._granted: Left | None = None
        self._told = Left()
        self._sending = _Sum()
        self._arrived = _Sum()  # and not counted by the server yet

    def left(self) -> Left:
        """Return what is left, with that which is on its way not taken off yet."""
        return self._told.less(self._arrived)

    def granted(self, left: Left) -> None:
        """Take over what a grant says; the same grant is no news the second time."""
        if left is not self._granted:
            self._granted = left
            self.told(left)

    def told(self, left: Left) -> None:
        """Take over what the server says now."""
        self._told = left
        self.on_change()

    def used_up(self, quota: "dict[str, Any]") -> None:
        """Take over `quota` of a refusal: it names what there is nothing left of."""
        is_size = str(quota.get("limit", "")).startswith("bytes")
        told = self._told
        self.told(Left(0, told.count) if is_size else Left(told.size, 0))

    def take(self, number: int, size: int) -> bool:
        """Set room aside for an upload, if there is some."""
        if number in self._sending.sizes:
            return True
        if not self.fits(size):
            return False
        self._sending.add(number, size)
        return True

    def is_limited(self) -> bool:
        """Tell whether there is a limit at all, as far as the server has said."""
        return self._told.facts() != (None, None)

    def fits(self, size: int) -> bool:
        """Tell whether one more upload has room beside those on their way."""
        return self.left().less(self._sending).has(size, 1)

    def give_back(self, number: int) -> None:
        """Note that an upload is not on its way any more."""
        self._sending.drop(number)

    def arrived(self, number: int, size: int) -> None:
        """Note that an upload has arrived."""
        self._sending.drop(number)
        self._arrived.add(number, size)
        self.on_change()

    def counted(self, number: int) -> None:
        """Note that the server's word has this upload in it, or never will have."""
        self._arrived.drop(number)
        self.on_change()


def _less(left: "int | None", used: int) -> "int | None":
    return None if left is None else max(0, left - used)


def _whole(value: "Any") -> "int | None":
    return value if isinstance(value, int) else None
