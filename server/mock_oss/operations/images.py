"""Image processing with Pillow: GetObject and ProcessObject with the parameter `x-oss-process`.

Pillow is an optional dependency, installed with the extra `images`. Without Pillow, the mock
refuses every image processing request with NotImplemented. Sources: vendor pages "Image
processing", "Resize images", "Add watermarks", "Convert image formats", "Save processed images" and
"sys/saveas".
"""

import asyncio
import base64
import binascii
import io
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import parse_qsl

from mock_oss.access.authorization import authorize_object
from mock_oss.errors import RefusedError
from mock_oss.http.addressing import check_key
from mock_oss.http.body import Digest
from mock_oss.http.request import whole_number
from mock_oss.http.response import Response
from mock_oss.operations.downloads import check_conditions, object_headers, override, readable
from mock_oss.operations.object_headers import read_properties
from mock_oss.operations.objects import may_overwrite, new_object
from mock_oss.service import Call
from mock_oss.store.records import BucketRecord, ObjectRecord

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_SOURCE = 20 << 20
MAX_SIDE = 16384
MAX_INSTRUCTIONS = 64 << 10
_BASE64 = str.maketrans("-_", "+/")  # ali-oss has the usual alphabet, the vendor's pages the other
FORMATS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "bmp": "BMP", "gif": "GIF", "tiff": "TIFF"}
READABLE = frozenset(FORMATS.values())
TEXT_SIZE = 40
MARGIN = 10
_POSITIONS = {
    name: (column / 2, row / 2)
    for row, names in enumerate(("nw north ne", "west center east", "sw south se"))
    for column, name in enumerate(names.split())
}

_Options: TypeAlias = Mapping[str, str]


async def get_processed(call: Call) -> Response:
    """Return the addressed image after applying the instructions in the parameter `x-oss-process`.

    The instruction `info` returns the properties of the image as JSON instead.

    Raises:
        RefusedError: InvalidArgument if the object is not an image or is too large, or if an
            instruction is not valid. NotImplemented if Pillow is not installed, or if the mock does
            not support an instruction.
    """
    record = readable(call)
    check_conditions(call.request.headers, record)
    content_type, picture = await _processed(call, record, call.param("x-oss-process"))
    dropped = ("content-type", "content-md5", "x-oss-hash-crc64ecma", "content-encoding")
    headers = [pair for pair in object_headers(call, record) if pair[0].lower() not in dropped]
    headers.append(("Content-Type", content_type))
    return Response(200, override(call, headers), picture)


async def process_object(call: Call) -> Response:
    """Process the addressed image, and store the result as another object.

    The request body contains the processing instructions; the last one, `sys/saveas`, contains the
    key and the bucket of the result. The caller needs two permissions: oss:PostProcessTask for the
    source, and oss:PutObject for the result.
    """
    # ali-oss encodes the form, the other SDKs do not.
    form = dict(parse_qsl((await call.body.read(MAX_INSTRUCTIONS)).decode(errors="replace")))
    instructions, _, saving = form.get("x-oss-process", "").partition("|")
    name, bucket, key = _place(call, saving)
    authorize_object(call, "oss:PutObject", bucket, key)
    allow = may_overwrite(call, bucket.name)
    source = readable(call)
    content_type, picture = await _processed(call, source, instructions)
    properties = read_properties({"content-type": content_type}, bucket.storage_class)
    digest = Digest()
    digest.update([picture])
    record = new_object(call, key, properties, digest)._replace(bucket=bucket.name)
    with call.store.blobs.new() as blob:
        blob.write([picture])
        call.store.put_object(record, blob=blob, allow=allow)
    answer = {"bucket": name, "fileSize": len(picture), "object": key, "status": "OK"}
    return Response(200, [("Content-Type", "application/json")], json.dumps(answer).encode())


def _place(call: Call, saving: str) -> tuple[str, BucketRecord, str]:
    """Return what the instruction `sys/saveas` says: the bucket's name, the bucket, and the key.

    Without a name, the bucket is that of the source.

    Raises:
        RefusedError: InvalidArgument if the instruction is missing or not valid, or if the bucket
            is in another region or account. NoSuchBucket if it does not exist. NotImplemented for
            another instruction.
    """
    instruction, *pairs = saving.split(",")
    if "|" in saving or instruction not in ("", "sys/saveas"):
        raise RefusedError("NotImplemented", Header="x-oss-process")
    options = _options(pairs)
    key, name = _base64(options.get("o", "")), _base64(options.get("b", ""))
    if not key:
        raise _wrong("sys/saveas needs o, the key of the result.")
    check_key(key)
    bucket = call.store.buckets.get(name) if name else call.bucket
    if bucket is None:
        raise RefusedError("NoSuchBucket", BucketName=name)
    if (bucket.region, bucket.account_id) != (call.bucket.region, call.bucket.account_id):
        raise _wrong("The bucket of the result is in another region or account.")
    return name, bucket, key


async def _processed(call: Call, record: ObjectRecord, instructions: str) -> tuple[str, bytes]:
    """Return the content type and the bytes of the processed object."""
    if record.size > MAX_SOURCE:
        raise _wrong("The source image is larger than 20 MB.")

    def make() -> tuple[str, bytes]:
        return _process(b"".join(call.store.blobs.read(record.segments)), instructions)

    with call.store.blobs.reading(record.segments):
        return await asyncio.get_running_loop().run_in_executor(call.service.executor, make)


def _process(data: bytes, instructions: str) -> tuple[str, bytes]:
    """Process an image and return the content type and the bytes of the result.

    Args:
        data: the source image.
        instructions: the value of `x-oss-process`, such as `image/resize,w_100`.

    Raises:
        RefusedError: InvalidArgument if the instructions are not valid, or if the source is not an
            image. NotImplemented if Pillow is not installed, or if the mock does not support the
            instructions.
    """
    kind, *steps = instructions.split("/")
    if kind != "image":
        raise RefusedError("NotImplemented", Header="x-oss-process")
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as e:
        raise RefusedError("NotImplemented", Header="x-oss-process") from e
    try:
        image: Image.Image = Image.open(io.BytesIO(data))
        image.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as e:
        raise _wrong("The source is not an image.") from e
    saved = {"format": image.format if image.format in READABLE else "PNG", "quality": "75"}
    for step in steps:
        name, *pairs = step.split(",")
        if name == "info":
            return "application/json", _info(image, len(data), saved["format"])
        options = _options(pairs)
        if name == "format":
            if len(pairs) != 1 or pairs[0] not in FORMATS:
                raise _wrong("The format is not supported.")
            saved["format"] = FORMATS[pairs[0]]
        elif name == "quality":
            saved["quality"] = options.get("q", options.get("Q", ""))
        elif name in _STEPS:
            image = _STEPS[name](image, options)
        else:
            raise RefusedError("NotImplemented", Header="x-oss-process")
    return _save(image, saved["format"], _whole(saved["quality"], 1, 100))


def _save(image: "Image", format_: str, quality: int) -> tuple[str, bytes]:
    if format_ in ("JPEG", "BMP") and image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    out = io.BytesIO()
    image.save(out, format_, **({"quality": quality} if format_ in ("JPEG", "WEBP") else {}))
    return f"image/{format_.lower()}", out.getvalue()


def _info(image: "Image", size: int, format_: str) -> bytes:
    values = {
        "FileSize": size,
        "Format": {"JPEG": "jpg"}.get(format_, format_.lower()),
        "ImageHeight": image.height,
        "ImageWidth": image.width,
    }
    return json.dumps({name: {"value": str(value)} for name, value in values.items()}).encode()


def _resize(image: "Image", options: _Options) -> "Image":
    from PIL import ImageOps

    width, height = (_whole(options[n], 1, MAX_SIDE) if n in options else 0 for n in "wh")
    if not width and not height:
        raise _wrong("resize needs w or h.")
    ratio = image.width / image.height
    box = (width or max(1, round(height * ratio)), height or max(1, round(width / ratio)))
    limited = options.get("limit", "1") == "1" and box[0] >= image.width and box[1] >= image.height
    mode = options.get("m", "lfit")
    if limited and mode != "pad":
        return image
    if mode == "pad":
        return ImageOps.pad(image.convert("RGB"), box, color="white")
    if mode == "fixed":
        return image.resize(box)
    resized = {"lfit": ImageOps.contain, "mfit": ImageOps.cover, "fill": ImageOps.fit}
    if mode not in resized:
        raise _wrong("The mode of resize is not supported.")
    return resized[mode](image, box)


def _crop(image: "Image", options: _Options) -> "Image":
    x, y = (_whole(options.get(name, "0"), 0, MAX_SIDE) for name in "xy")
    width = _whole(options.get("w", str(image.width)), 1, MAX_SIDE)
    height = _whole(options.get("h", str(image.height)), 1, MAX_SIDE)
    if x >= image.width or y >= image.height:
        raise _wrong("The crop begins outside of the image.")
    return image.crop((x, y, min(image.width, x + width), min(image.height, y + height)))


def _rotate(image: "Image", options: _Options) -> "Image":
    (angle,) = options or ("",)
    return image.rotate(-_whole(angle, 0, 360), expand=True)


def _auto_orient(image: "Image", options: _Options) -> "Image":
    from PIL import ImageOps

    return ImageOps.exif_transpose(image) if "1" in options else image


def _watermark(image: "Image", options: _Options) -> "Image":
    from PIL import Image as Images
    from PIL import ImageDraw, ImageFont

    text = _base64(options.get("text", ""))
    if not text:
        raise RefusedError("NotImplemented", Header="x-oss-process")
    if options.get("g", "se") not in _POSITIONS:
        raise _wrong("The place of the watermark is not supported.")
    font = ImageFont.load_default(_whole(options.get("size", str(TEXT_SIZE)), 1, 1000))
    opacity = _whole(options.get("t", "100"), 0, 100) * 255 // 100
    layer = Images.new("RGBA", image.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    across, down = _POSITIONS[options.get("g", "se")]
    free = (image.width - (right - left), image.height - (bottom - top))
    place = tuple(
        MARGIN + (space - 2 * MARGIN) * share
        for space, share in zip(free, (across, down), strict=True)
    )
    draw.text((place[0] - left, place[1] - top), text, fill=(0, 0, 0, opacity), font=font)
    return Images.alpha_composite(image.convert("RGBA"), layer)


def _options(pairs: list[str]) -> dict[str, str]:
    """Return options such as `w_100` as a dict from name to value.

    An option without a name, such as the angle of `rotate`, becomes a name with an empty value.
    """
    return {name: value for name, _, value in (pair.partition("_") for pair in pairs)}


def _whole(text: str, least: int, most: int) -> int:
    number = whole_number(text, least, most)
    if number is None:
        raise _wrong(f"The value {text[:20]!r} is out of range.")
    return number


def _base64(text: str) -> str:
    try:
        padded = text.translate(_BASE64) + "=" * (-len(text) % 4)
        return base64.b64decode(padded.encode("ascii"), validate=True).decode()
    except (binascii.Error, ValueError) as e:
        raise _wrong("A text is not URL-safe base64.") from e


def _wrong(message: str) -> RefusedError:
    return RefusedError("InvalidArgument", message, ArgumentName="x-oss-process")


_Step: TypeAlias = "Callable[[Image, _Options], Image]"
_STEPS: Mapping[str, _Step] = {
    "resize": _resize,
    "crop": _crop,
    "rotate": _rotate,
    "auto-orient": _auto_orient,
    "watermark": _watermark,
}
