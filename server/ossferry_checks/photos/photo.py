"""What the header of a photo says."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from ossferry_checks.photos.source import BrokenPhotoError, Pieces

Format: TypeAlias = Literal["jpeg", "png", "webp", "gif", "heif"]


def dimensions_text(width: int, height: int) -> str:
    """Return the dimensions for a sentence; a line does not end between them."""
    return f"{width}\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}{height}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """The header of a photo.

    Attributes:
        width, height: in pixels, as a person sees the photo.
        has_alpha: whether pixels may be transparent.
        is_animated: whether there may be more than one picture.
        has_wide_gamut: whether the colours are those of Display P3.

    Raises:
        BrokenPhotoError: there are no pixels.
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
        """Return the header as a person sees the photo; from orientation 5, the sides change."""
        if orientation < 5:
            return self
        return replace(self, width=self.height, height=self.width)


@dataclass(frozen=True, slots=True)
class Stripped:
    """A photo without metadata.

    Attributes:
        had_position: whether the metadata contains a position.
    """

    pieces: Pieces
    had_position: bool
