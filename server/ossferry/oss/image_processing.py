"""Image processing by OSS: builds values of the parameter `x-oss-process`.

Values contain only numbers, names from a fixed list, and text in URL-safe base64. Therefore a
client's input cannot add another operation. Source: OSS pages "Image processing" and "Add
watermarks".
"""

import base64
from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, with_config
from typing_extensions import TypedDict

from ossferry.oss.objects import Stored

MAX_SOURCE = 20 << 20
MAX_SIDE = 4096
MAX_WATERMARK_BYTES = 64
TYPES = ("image/jpeg", "image/png", "image/bmp", "image/gif", "image/webp", "image/tiff")
PRESETS: Mapping[str, str] = {
    "thumbnail": "image/auto-orient,1/resize,m_fill,w_160,h_160/format,webp",
    "preview": "image/auto-orient,1/resize,m_lfit,w_1280,h_1280/format,webp",
}


def _not_empty(value: dict[str, object]) -> dict[str, object]:
    if not value:
        raise ValueError("at least one operation is needed")
    return value


def _short(text: str) -> str:
    if len(text.encode()) > MAX_WATERMARK_BYTES:
        raise ValueError("too long")
    return text


Side: TypeAlias = Annotated[int, Field(ge=1, le=MAX_SIDE)]
Watermark: TypeAlias = Annotated[
    str,
    Field(pattern=r"^[^\x00-\x1f\x7f]+$", json_schema_extra={"minLength": 1, "maxLength": 16}),
    AfterValidator(_short),
]
"""Text of at most 64 bytes; JSON Schema counts characters, of up to four bytes each."""


@with_config(ConfigDict(extra="forbid"))
class Sides(TypedDict, total=False):
    """The maximum width and height of a resized image in pixels; at least one is required."""

    width: Side
    height: Side


Resize: TypeAlias = Annotated[
    Sides, AfterValidator(_not_empty), Field(json_schema_extra={"minProperties": 1})
]


@with_config(ConfigDict(extra="forbid"))
class Operations(TypedDict, total=False):
    """Operations that OSS applies to an image; each field is optional."""

    resize: Resize
    watermark: Watermark
    format: Literal["jpg", "png", "webp"]


Process: TypeAlias = Annotated[
    Operations, AfterValidator(_not_empty), Field(json_schema_extra={"minProperties": 1})
]
"""At least one operation."""


def can_process(stored: Stored) -> bool:
    """Return whether OSS can process an object as an image, judged by its type, size and metadata.

    The result is False if the metadata say that the uploader encrypted the image: the object still
    has the content type of the image, but OSS cannot read it.
    """
    content_type = stored.content_type.partition(";")[0].strip().lower()
    return content_type in TYPES and stored.size <= MAX_SOURCE and not stored.is_encrypted


def process_text(operations: Operations) -> str:
    """Return the value of the query parameter `x-oss-process`."""
    steps = ["image"]
    if "resize" in operations:
        steps.append(_resize(operations["resize"]))
    if "watermark" in operations:
        steps.append(_watermark(operations["watermark"]))
    if "format" in operations:
        steps.append(f"format,{operations['format']}")
    return "/".join(steps)


def _resize(sides: Sides) -> str:
    return ",".join(["resize", "m_lfit", *(f"{name[0]}_{side}" for name, side in sides.items())])


def _watermark(text: str) -> str:
    written = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return f"watermark,text_{written},size_30,g_se,t_70"
