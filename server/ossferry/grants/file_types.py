"""Allowed types of files, in the syntax of HTML's `accept` attribute.

The page has the same rule in `ossferry_uploader/transfer/grants/limits.py`; a test compares them.
The client sends the name and the content type of a file; the bytes of the file are not checked.
"""

from collections.abc import Sequence

CONTENT_TYPE = (
    r"[A-Za-z0-9!#&^_.+-]{1,127}/[A-Za-z0-9!#&^_.+-]{1,127}(; ?[A-Za-z0-9=_.\"-]{1,100})?"
)
"""The pattern of a content type with at most one parameter."""


def takes(types: Sequence[str], name: str, content_type: str) -> bool:
    """Return whether a file has one of the allowed types, by name or content type.

    Args:
        types: such as `image/*`, `application/pdf` or `.csv`; if empty, any type is allowed.
        name: name of the file.
        content_type: content type of the file, as the client reports it.
    """
    return not types or any(_fits(each, name.lower(), content_type.lower()) for each in types)


def _fits(wanted: str, name: str, content_type: str) -> bool:
    if wanted.startswith("."):
        return name.endswith(wanted)
    plain = content_type.partition(";")[0]
    if wanted.endswith("/*"):
        return plain.startswith(wanted[:-1])
    return plain == wanted
