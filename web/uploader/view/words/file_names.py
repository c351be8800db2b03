"""Names of files for the eye: their middle gives way, their ending stays."""

__all__ = ["badge", "split_name"]

TAIL = 12  # characters
SHORT = 24
JOINERS = "\u200d\ufe0e\ufe0f\u20e3"


def split_name(name: str) -> "tuple[str, str]":
    """Return head and tail of a name; the style sheet lets the head end in `…` where it must.

    A short name, and one written from right to left, has no tail. The cut is never inside of what
    is seen as one character.
    """
    if len(name) <= SHORT or any(_is_right_to_left(char) for char in name):
        return name, ""
    cut = len(name) - TAIL
    while cut > 0 and (_joins(name[cut]) or name[cut - 1] == JOINERS[0]):
        cut -= 1
    while cut < len(name) - 1 and name[cut] == " ":
        cut += 1  # a space after the ellipsis would be a gap
    return name[:cut], name[cut:]


def badge(name: str) -> str:
    """Return the ending as up to four letters."""
    _, dot, ending = name.rpartition(".")
    return ending.upper() if dot and 0 < len(ending) <= 4 else "···"


def _joins(char: str) -> bool:
    code = ord(char)
    return (
        char in JOINERS
        or 0x300 <= code < 0x370  # accents
        or 0x1F1E6 <= code < 0x1F200  # flags
        or 0x1F3FB <= code < 0x1F400  # skin tones
    )


def _is_right_to_left(char: str) -> bool:
    code = ord(char)
    return 0x590 <= code < 0x900 or 0xFB1D <= code < 0xFE00 or 0xFE70 <= code < 0xFF00
