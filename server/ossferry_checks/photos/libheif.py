"""Decodes HEIC files with libheif, which the browser loads for the first such file.

The worker offers `ossferryChecks.loadHeic()`, a promise of the module `libheif-bundle.mjs` of the
npm package `libheif-js`.
"""

from typing import Any

from ossferry_checks.photos.canvas import Bitmap, NotDecodedError

PIXEL = 4  # bytes


async def decode(content: bytes, *, has_wide_gamut: bool) -> Bitmap:
    """Decode the main picture of a HEIC file.

    Args:
        has_wide_gamut: whether the colours are those of Display P3.

    Raises:
        NotDecodedError: libheif cannot decode it.
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
