"""The response headers that a presigned URL asks OSS for: how a browser handles an object.

A browser may display an object only if its content type is harmless, such as an image; other
objects are downloaded.
"""

from pathlib import PurePosixPath
from urllib.parse import quote

from ossferry.errors import NotInlineError
from ossferry.identity.object_keys import name_of
from ossferry.oss.image_processing import Process, process_text
from ossferry.oss.objects import Stored

INLINE_TYPES = frozenset(
    {
        *(f"image/{kind}" for kind in ("avif", "bmp", "gif", "jpeg", "png", "webp")),
        *(f"audio/{kind}" for kind in ("aac", "flac", "mp4", "mpeg", "ogg", "wav", "webm")),
        *(f"video/{kind}" for kind in ("mp4", "mpeg", "ogg", "quicktime", "webm")),
        "text/plain",
    }
)
"""Types that cannot contain scripts, unlike HTML, SVG, XML and PDF."""


def headers_of(
    stored: Stored, disposition: str, process: Process | None, *, renamed_to: str | None = None
) -> dict[str, str]:
    """Return the query parameters of a link, which set response headers or process an image.

    The file name of a converted image has the ending of its new format.

    Args:
        disposition: `attachment` for a download, `inline` for display in the browser.
        process: the image processing; None for the unchanged object.
        renamed_to: folders and file name that the owner has given to the object; None if it has
            those of its key.

    Raises:
        NotInlineError: a browser must not display an object of this type.
    """
    content_type = stored.content_type.partition(";")[0].strip().lower()
    safe = content_type in INLINE_TYPES and not stored.is_encrypted
    if disposition == "inline" and not safe:
        raise NotInlineError("Only images, audio, video and plain text can be shown in place.")
    name = name_of(renamed_to or stored.key)
    if process and "format" in process:
        name = f"{PurePosixPath(name).stem}.{process['format']}"
    found = {"response-content-disposition": f"{disposition}; filename*=UTF-8''{quote(name, '')}"}
    if process:
        found["x-oss-process"] = process_text(process)
    elif content_type == "text/plain":
        found["response-content-type"] = "text/plain; charset=utf-8"
    else:
        found["response-content-type"] = content_type if safe else "application/octet-stream"
    return found
