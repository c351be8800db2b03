"""`Photo`: the properties of a photo that its header contains. `Stripped`: one without metadata."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from ossferry_checks.photos.source import BrokenPhotoError, Pieces

Format: TypeAlias = Literal["jpeg", "png", "webp", "gif", "heif"]


def dimensions_text(width: int, height: int) -> str:
    """Return width and height for use in a message: two numbers with a multiplication sign.

    No line break can separate them.
    """
    return f"{width}\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}{height}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """The properties of a photo, read from the header of the file.

    Attributes:
        format: the file format: `jpeg`, `png`, `webp`, `gif` or `heif`.
        width, height: the size in pixels, as the photo is displayed.
        has_alpha: whether pixels may be transparent.
        is_animated: whether the file may contain more than one picture.
        has_wide_gamut: whether the colours are in the colour space Display P3.

    Raises:
        BrokenPhotoError: the width or the height is 0.
    """

    format: Format
    width: int
    height: int
    has_alpha: bool = False
    is_animated: bool = False
    has_wide_gamut: bool = False

    def __post_init__(self) -> None:
        if not self.width or not self.height:
            raise BrokenPhotoError

    def upright(self, orientation: int) -> "Photo":
        """Return the properties that the photo has when it is displayed with an EXIF orientation.

        Width and height are exchanged for an orientation from 5 to 8.
        """
        if orientation < 5:
            return self
        return replace(self, width=self.height, height=self.width)


@dataclass(frozen=True, slots=True)
class Stripped:
    """The content of a photo file without metadata.

    Attributes:
        pieces: the content of the new file.
        had_position: whether the removed metadata contained the position at which the photo was
            taken.
    """

    pieces: Pieces
    had_position: bool
