"""Width, height and format of an image, read from its first bytes; used by callbacks."""

import struct

_JPEG_SIZES = frozenset(
    {*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}
)


def image_info(head: bytes) -> tuple[str, str, str]:
    """Return the width, height and format of an image as text.

    Args:
        head: the first bytes of the file.

    Returns:
        (width, height, format); three empty texts for an unknown format.
    """
    try:
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack(">II", head[16:24])
            return str(width), str(height), "png"
        if head[:6] in (b"GIF87a", b"GIF89a"):
            width, height = struct.unpack("<HH", head[6:10])
            return str(width), str(height), "gif"
        if head.startswith(b"BM"):
            width, height = struct.unpack("<ii", head[18:26])
            return str(width), str(abs(height)), "bmp"
        if head.startswith(b"\xff\xd8"):
            return _jpeg(head)
    except struct.error:
        return "", "", ""
    return "", "", ""


def _jpeg(head: bytes) -> tuple[str, str, str]:
    position = 2
    while position + 9 < len(head) and head[position] == 0xFF:
        marker = head[position + 1]
        (length,) = struct.unpack(">H", head[position + 2 : position + 4])
        if marker in _JPEG_SIZES:
            height, width = struct.unpack(">HH", head[position + 5 : position + 9])
            return str(width), str(height), "jpg"
        position += 2 + length
    return "", "", ""
