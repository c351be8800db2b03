"""Which files may be stored, by name and content type, as HTML's `accept` has it.

The page has the same in `uploader/transfer/grants/limits.py`; a test compares the two. Both values
are what a client says of its bytes.
"""

from collections.abc import Sequence

__all__ = ["CONTENT_TYPE", "takes"]

CONTENT_TYPE = (
    r"[A-Za-z0-9!#&^_.+-]{1,127}/[A-Za-z0-9!#&^_.+-]{1,127}(; ?[A-Za-z0-9=_.\"-]{1,100})?"
)


def takes(types: Sequence[str], name: str, content_type: str) -> bool:
    """Tell whether one of the types fits: `image/*`, `application/pdf` or `.csv`; none fit all."""
    return not types or any(_fits(each, name.lower(), content_type.lower()) for each in types)


def _fits(wanted: str, name: str, content_type: str) -> bool:
    if wanted.startswith("."):
        return name.endswith(wanted)
    plain = content_type.partition(";")[0]
    if wanted.endswith("/*"):
        return plain.startswith(wanted[:-1])
    return plain == wanted
