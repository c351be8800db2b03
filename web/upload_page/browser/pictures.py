"""Pictures in the dialog that rotates and crops them (`web/page/canvas.js`)."""

import js

from ossferry_uploader.browser.interop import JsException, reason_of
from ossferry_uploader.transfer.errors import CannotEdit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Picture:
    """A decoded picture.

    Attributes:
        size: width and height in pixels.
    """

    def __init__(self, picture: "Any") -> None:
        self._picture = picture
        self.size = int(picture.width), int(picture.height)

    @classmethod
    async def open(cls, file: "Any") -> "Picture":
        """Decode a `BrowserFile`.

        Raises:
            CannotEdit: this browser cannot decode or write the picture, or the picture is animated.
        """
        try:
            return cls(await js.ossferry.ask("canvas", "open", file.blob))
        except JsException as error:
            raise CannotEdit(reason_of(error))

    def draw(self, canvas: "Any", turns: int) -> None:
        """Draw the picture, after quarter turns to the right, into a canvas element."""
        self._picture.draw(canvas, turns)
