"""Decodes and encodes pictures with functions of the browser.

Only this module uses JavaScript. It imports the JavaScript modules inside functions, so that the
package can be imported outside a browser too.
"""

import sys
from dataclasses import dataclass
from typing import Any, TypeAlias

Bitmap: TypeAlias = Any
"""An `ImageBitmap`, which has the orientation that a person sees."""
OPAQUE = "image/jpeg"
PIXEL = 4  # bytes


class NotDecodedError(Exception):
    """Raised if the browser cannot decode a picture: it is broken, or has an unsupported format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """Parameters for encoding a picture with the browser.

    Attributes:
        type: the wanted content type of the result.
        instead: the content type of the result if the browser cannot encode `type`.
        quality: the quality, from 0 to 1.
        max_side: the largest length of the longer side in pixels; a larger picture is scaled down.
            0 for no limit.
    """

    type: str
    instead: str
    quality: float
    max_side: int = 0


@dataclass(frozen=True, slots=True)
class Encoded:
    """An encoded picture: its bytes, content type, and width and height in pixels."""

    content: bytes
    type: str
    width: int
    height: int


def is_available() -> bool:
    """Return whether this code runs in a browser, with Pyodide."""
    return sys.platform == "emscripten"


async def decode(content: bytes) -> Bitmap:
    """Decode the content of an image file with the browser's decoders.

    Raises:
        NotDecodedError: the browser cannot decode the content.
    """
    import js
    from pyodide.ffi import JsException, to_js

    blob = js.Blob.new(js.Array.of(to_js(content)))
    try:
        return await js.createImageBitmap(blob)
    except JsException as error:
        raise NotDecodedError(str(error)) from error


async def decode_heic(content: bytes, *, has_wide_gamut: bool) -> Bitmap:
    """Decode the main picture of a HEIC file with the JavaScript library libheif.

    The first call loads the library with a function of the web worker, `ossferryChecks.loadHeic()`.
    This function returns a promise for the module `libheif-bundle.mjs` of the npm package
    `libheif-js`.

    Args:
        content: the content of the file.
        has_wide_gamut: whether the colours of the picture are in the colour space Display P3.

    Raises:
        NotDecodedError: libheif cannot decode the content.
    """
    import js
    from pyodide.ffi import JsException, to_js

    module = await js.ossferryChecks.loadHeic()
    libheif = module.default()  # a new instance: its memory is free again when it is not used
    images = libheif.HeifDecoder.new().decode(to_js(content))
    image = next((each for each in images if each.is_primary()), None)
    if image is None:
        raise NotDecodedError
    rgb, rgba = (
        libheif.heif_colorspace.heif_colorspace_RGB,
        libheif.heif_chroma.heif_chroma_interleaved_RGBA,
    )
    try:
        # `image.display` does the same, but loses the error if there is not enough memory
        decoded = await js.Promise.resolve(libheif.heif_js_decode_image2(image.handle, rgb, rgba))
    except JsException as error:
        raise NotDecodedError(str(error)) from error
    if not hasattr(decoded, "channels"):  # an object with a code of an error
        raise NotDecodedError
    channel = decoded.channels[0]
    pixels = _pixels(channel.width, channel.height, has_wide_gamut=has_wide_gamut)
    row, stride = channel.width * PIXEL, channel.stride
    if row == stride:
        pixels.data.set(channel.data)
    else:
        for y in range(channel.height):
            pixels.data.set(channel.data.subarray(y * stride, y * stride + row), y * row)
    return await js.createImageBitmap(pixels)


def _pixels(width: int, height: int, *, has_wide_gamut: bool) -> Any:
    """Return an empty `ImageData`. Without support for Display P3, the colours become paler."""
    import js
    from pyodide.ffi import JsException

    if has_wide_gamut:
        options = js.Object.new()
        options.colorSpace = "display-p3"
        try:
            return js.ImageData.new(width, height, options)
        except JsException:  # Firefox ESR 153 takes no options
            pass
    return js.ImageData.new(width, height)


async def encode(bitmap: Bitmap, encoding: Encoding) -> Encoded:
    """Encode a bitmap as a picture without metadata, and close the bitmap, which frees its memory.

    In a JPEG file, transparent pixels become white.
    """
    import js

    width, height = fit(bitmap.width, bitmap.height, encoding.max_side)
    canvas = js.OffscreenCanvas.new(width, height)
    context = canvas.getContext("2d")
    if encoding.type == OPAQUE:
        context.fillStyle = "white"
        context.fillRect(0, 0, width, height)
    context.imageSmoothingQuality = "high"
    context.drawImage(bitmap, 0, 0, width, height)
    bitmap.close()
    options = js.Object.new()
    options.type, options.quality = encoding.type, encoding.quality
    blob = await canvas.convertToBlob(options)
    if blob.type != encoding.type:  # the browser has made a PNG file
        options.type = encoding.instead
        blob = await canvas.convertToBlob(options)
    content = (await blob.arrayBuffer()).to_bytes()
    return Encoded(content, blob.type, width, height)


def fit(width: int, height: int, max_side: int) -> tuple[int, int]:
    """Return the (width, height) of a picture after its longer side is scaled down to `max_side`.

    A picture whose longer side has at most `max_side` pixels keeps its size, as does every picture
    if `max_side` is 0.
    """
    longer = max(width, height)
    if not max_side or longer <= max_side:
        return width, height
    return max(1, round(width * max_side / longer)), max(1, round(height * max_side / longer))
