"""The limits of a grant: size and type of a file, and the number of files.

The page checks the limits, so that a person gets an error at once. OSS checks size and type only if
the grant has a signed form. An application that forbids certain content has to check the objects.
"""

from ossferry_uploader.transfer.errors import FileTooLarge, TransferError, WrongType
from ossferry_uploader.transfer.plan import MAX_OBJECT_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.transfer.files import File

__all__ = ["Limits", "allows"]


class Limits:
    """The limits of a grant.

    Args:
        max_file_size: the largest allowed size of a file in bytes.
        max_files: the largest allowed number of unfinished files at a time.
        types: the allowed types, as in the `accept` attribute of HTML; an empty list allows all.
    """

    def __init__(self, *, max_file_size: int, max_files: int, types: "list[str]") -> None:
        self.max_file_size = min(max_file_size, MAX_OBJECT_BYTES)
        self.max_files = max_files
        self.types = types

    def refusal(self, file: "File") -> "TransferError | None":
        """Return the error for a file that exceeds the limits; `None` if the file is allowed.

        The method does not read the file. If the file has no content type and the limits contain a
        content type, the method does not check the type. The first bytes can show the type later.
        """
        if file.size > self.max_file_size:
            return FileTooLarge(file.size, self.max_file_size)
        first_bytes_tell = not file.content_type and any("/" in each for each in self.types)
        if not first_bytes_tell and not allows(self.types, file.name, file.content_type):
            return WrongType(self.types)
        return None


def allows(types: "list[str]", name: str, content_type: str) -> bool:
    """Return whether the allowed types include the type of a file.

    Args:
        types: the allowed types, for example `image/*`, `application/pdf` or `.csv`; an empty list
            allows every file.
        name: the name of the file.
        content_type: the content type of the file; empty if unknown.

    Source: HTML Standard, the `accept` attribute of `<input type=file>`.
    """
    name = name.lower()
    content_type = content_type.lower().partition(";")[0]
    for each in types:
        if each.startswith("."):
            fits = name.endswith(each)
        elif each.endswith("/*"):
            fits = content_type.startswith(each[:-1])
        else:
            fits = content_type == each
        if fits:
            return True
    return not types
