"""Image processing by OSS: builds values of the parameter `x-oss-process`.

Values contain only numbers, names from a fixed list, and text in URL-safe base64. Therefore a
client's input cannot add another operation. Source: OSS pages "Image processing" and "Add
watermarks".
"""

import base64
import re
from collections.abc import Mapping

from ossferry.errors import BadRequestError
from ossferry.oss.objects import Stored

__all__ = ["PRESETS", "can_process", "process_text"]

MAX_SOURCE = 20 << 20
MAX_SIDE = 4096
MAX_WATERMARK_BYTES = 64
FORMATS = ("jpg", "png", "webp")
TYPES = ("image/jpeg", "image/png", "image/bmp", "image/gif", "image/webp", "image/tiff")
PRESETS: Mapping[str, str] = {
    "thumbnail": "image/auto-orient,1/resize,m_fill,w_160,h_160/format,webp",
    "preview": "image/auto-orient,1/resize,m_lfit,w_1280,h_1280/format,webp",
}
_OPERATIONS = frozenset({"resize", "format", "watermark"})


def can_process(stored: Stored) -> bool:
    """Return whether OSS can process an object as an image, judged by content type and size."""
    content_type = stored.content_type.partition(";")[0].strip().lower()
    return content_type in TYPES and stored.size <= MAX_SOURCE


def process_text(operations: object) -> str:
    """Return the value of `x-oss-process`; empty if no processing is requested.

    Args:
        operations: ``{"resize": {"width": …, "height": …}, "watermark": text, "format": name}``;
            each key is optional. None for no processing.

    Raises:
        BadRequestError: an unknown or malformed operation is requested.
    """
    if operations is None:
        return ""
    if not isinstance(operations, dict) or not operations or not operations.keys() <= _OPERATIONS:
        raise BadRequestError("process must have resize, watermark or format, and nothing else.")
    steps = ["image"]
    if "resize" in operations:
        steps.append(_resize(operations["resize"]))
    if "watermark" in operations:
        steps.append(_watermark(operations["watermark"]))
    if "format" in operations:
        if operations["format"] not in FORMATS:
            raise BadRequestError(f"format must be one of {', '.join(FORMATS)}.")
        steps.append(f"format,{operations['format']}")
    return "/".join(steps)


def _resize(sides: object) -> str:
    names = {"width": "w", "height": "h"}
    if not isinstance(sides, dict) or not sides or not sides.keys() <= names.keys():
        raise BadRequestError("resize must have width, height, or both.")
    for side in sides.values():
        if not isinstance(side, int) or isinstance(side, bool) or not 1 <= side <= MAX_SIDE:
            raise BadRequestError(f"width and height must be numbers from 1 to {MAX_SIDE}.")
    return ",".join(["resize", "m_lfit", *(f"{names[name]}_{sides[name]}" for name in sides)])


def _watermark(text: object) -> str:
    if not isinstance(text, str) or not re.fullmatch(r"[^\x00-\x1f\x7f\ud800-\udfff]+", text):
        raise BadRequestError("watermark must be text.")
    encoded = text.encode()
    if len(encoded) > MAX_WATERMARK_BYTES:
        raise BadRequestError(f"watermark must have at most {MAX_WATERMARK_BYTES} bytes.")
    written = base64.urlsafe_b64encode(encoded).decode().rstrip("=")
    return f"watermark,text_{written},size_30,g_se,t_70"
