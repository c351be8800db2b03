"""The name of a photo that has got another format."""

from pathlib import PurePosixPath

TYPES = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
"""Content types by format."""
ENDINGS = {
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/png": (".png",),
    "image/webp": (".webp",),
}


def renamed(name: str, type: str) -> str:
    """Return a name with an ending for a content type. An ending that fits stays."""
    path = PurePosixPath(name)
    endings = ENDINGS[type]
    return name if path.suffix.lower() in endings else str(path.with_suffix(endings[0]))
