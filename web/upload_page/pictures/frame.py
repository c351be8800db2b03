"""The frame that a person draws around the part of a picture that stays, without the browser."""

LEAST = 16  # pixels of a side, if the picture has as many

MOVE = "move"
CORNERS = ("nw", "ne", "sw", "se")


class Frame:
    """A rotated picture, and a frame in it.

    Attributes:
        turns: quarter turns to the right, from 0 to 3.
        width: the width of the turned picture in pixels.
        height: the height of the turned picture in pixels.
        box: the frame in pixels of the turned picture: `(x, y, width, height)`.

    Args:
        size: width and height of the picture before it is turned.
        ratio: the width of the frame divided by its height; 0 if the person chooses it.
    """

    def __init__(self, size: "tuple[int, int]", *, ratio: float = 0.0) -> None:
        self._size = size
        self._ratio = ratio
        self.box = (0, 0) + size
        self.reset()

    def reset(self) -> None:
        """Turn the picture back, and draw the frame around all of it, or as much as fits."""
        self.turns = 0
        self.width, self.height = self._size
        self._draw_largest()

    def turn(self, turns: int) -> None:
        """Turn the picture and the frame.

        A frame with a given ratio is drawn anew, around as much as fits.

        Args:
            turns: quarter turns to the right; negative to the left.
        """
        for _ in range(turns % 4):
            x, y, width, height = self.box
            self.box = (self.height - y - height, x, height, width)
            self.width, self.height = self.height, self.width
        self.turns = (self.turns + turns) % 4
        if self._ratio:
            self._draw_largest()

    def drag(self, handle: str, by_x: float, by_y: float) -> None:
        """Move the frame, or one of its corners, within the picture.

        Args:
            handle: `MOVE`, or one of `CORNERS`; the opposite corner stays where it is.
            by_x: pixels to the right.
            by_y: pixels down.
        """
        x, y, width, height = self.box
        if handle == MOVE:
            x = min(max(x + round(by_x), 0), self.width - width)
            y = min(max(y + round(by_y), 0), self.height - height)
            self.box = (x, y, width, height)
            return
        is_left, is_top = handle[1] == "w", handle[0] == "n"
        most_wide = x + width if is_left else self.width - x
        most_high = y + height if is_top else self.height - y
        wide = width - by_x if is_left else width + by_x
        high = height - by_y if is_top else height + by_y
        wide = min(max(wide, min(LEAST, self.width)), most_wide)
        high = min(max(high, min(LEAST, self.height)), most_high)
        if self._ratio:
            if abs(by_y) > abs(by_x):
                wide = high * self._ratio
            wide = min(wide, most_wide, most_high * self._ratio)
            high = wide / self._ratio
        new_width, new_height = max(round(wide), 1), max(round(high), 1)
        x = x + width - new_width if is_left else x
        y = y + height - new_height if is_top else y
        self.box = (x, y, new_width, new_height)

    def crops(self) -> bool:
        """Return whether a part of the picture is cut off."""
        return self.box[2:] != (self.width, self.height)

    def edit(self) -> "list[int] | None":
        """Return the edit, as `transfer.ports.Pictures` describes it; `None` if nothing changes."""
        box = self.box if self.crops() else (0, 0, 0, 0)
        return [self.turns] + list(box) if self.turns or self.crops() else None

    def restore(self, edit: "list[int] | None") -> None:
        """Show an earlier edit."""
        self.reset()
        if edit:
            self.turn(edit[0])
            if edit[3]:
                self.box = (edit[1], edit[2], edit[3], edit[4])

    def _draw_largest(self) -> None:
        width, height = self.width, self.height
        if self._ratio:
            width = max(min(width, round(height * self._ratio)), 1)
            height = max(min(height, round(width / self._ratio)), 1)
        self.box = ((self.width - width) // 2, (self.height - height) // 2, width, height)
