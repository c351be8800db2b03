"""The check that removes metadata, such as the position, from a photo."""

from ossferry_checks.files import CheckedFile
from ossferry_checks.photos.formats import PATTERNS, opened, strip
from ossferry_checks.registry import Check
from ossferry_checks.results import Replace
from ossferry_checks.sentences import say

__all__ = ["metadata_check"]

NEW_NAME = "without-metadata"


def metadata_check() -> Check:
    """Return the check that removes metadata from photos, without encoding the picture again."""
    return Check(
        name="photo_metadata",
        function=remove_metadata,
        patterns=PATTERNS,
        max_seconds=30,
        seconds_per_mb=1,
    )


def remove_metadata(file: CheckedFile) -> Replace | None:
    """Write a copy of a JPEG, PNG or WebP file without metadata.

    Returns:
        A `Replace` that names the copy. None if the file has no metadata, or has another format.

    Raises:
        Reject: the file is not a photo, or it is broken.
    """
    with opened(file) as source:
        stripped = strip(source)
        if stripped is None or stripped.pieces.is_whole(source):
            return None
        path = file.folder / NEW_NAME
        stripped.pieces.write(source, path, file.progress)
    key = "photo_position_removed" if stripped.had_position else "photo_metadata_removed"
    return Replace(path, type=file.type, reason=say(key, file.language))
