"""What OSS does with a shared picture: the choices of `ossferry share`, under OSS's names."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SIDES = ("1600", "400")  # pixels
FORMATS = (("jpg", "JPEG"), ("png", "PNG"), ("webp", "WebP"))
MAX_WATERMARK_BYTES = 64


def process_of(values: "dict[str, list[str]]") -> "dict[str, Any] | None":
    """Return the field `process` of a request for a link; `None` if the picture stays as it is.

    Args:
        values: the values of the fields `resize`, `watermark` and `format`; each may be empty.
    """
    process: dict[str, Any] = {}
    for name in ("resize", "watermark", "format"):
        value = values[name][0]
        if value:
            is_side = name == "resize"
            process[name] = {"width": int(value), "height": int(value)} if is_side else value
    return process or None
