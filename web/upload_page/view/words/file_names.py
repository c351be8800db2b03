"""File names for display: a long name is shortened in the middle, so that its end stays visible."""

TAIL = 12  # characters at the end that are always shown
SHORT = 24  # characters; a name of up to this length is never cut
JOINERS = "\u200d\ufe0e\ufe0f\u20e3"


def split_name(name: str) -> "tuple[str, str]":
    """Split a file name into `(head, tail)`; only the head may be shortened for display.

    The tail has about `TAIL` characters. If the line is too short for the name, the style sheet
    shortens the head with `…`. The tail is empty if the name is short or is written from right to
    left. The code points of one displayed character are never separated.
    """
    if len(name) <= SHORT or any(_is_right_to_left(char) for char in name):
        return name, ""
    cut = len(name) - TAIL
    while cut > 0 and (_joins(name[cut]) or name[cut - 1] == JOINERS[0]):
        cut -= 1
    while cut < len(name) - 1 and name[cut] == " ":
        cut += 1  # no space after the ellipsis
    return name[:cut], name[cut:]


def badge(name: str) -> str:
    """Return a file's extension in upper case, to be shown beside the file name.

    Return `···` if the name has no extension, or one of more than 4 characters.
    """
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
