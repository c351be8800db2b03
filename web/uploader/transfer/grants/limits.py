"""The limits of a grant: size and type of a file, and the number of files.

The page checks them so that a person is told at once. OSS does not check them, so an application
that must not store certain content has to check the stored objects.
"""

from uploader.transfer.errors import FileTooLarge, TransferError, WrongType
from uploader.transfer.plan import MAX_OBJECT_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.transfer.files import File

__all__ = ["Limits", "allows"]


class Limits:
    """The limits of a grant. `types` are as in `accept`; an empty list allows all types."""

    def __init__(self, *, max_file_size: int, max_files: int, types: "list[str]") -> None:
        self.max_file_size = min(max_file_size, MAX_OBJECT_BYTES)
        self.max_files = max_files
        self.types = types

    def refusal(self, file: "File") -> "TransferError | None":
        """Return the error of a file that exceeds the limits, or `None`. The bytes are not read.

        A type that only the first bytes of the file can show is not checked here.
        """
        if file.size > self.max_file_size:
            return FileTooLarge(file.size, self.max_file_size)
        first_bytes_tell = not file.content_type and any("/" in each for each in self.types)
        if not first_bytes_tell and not allows(self.types, file.name, file.content_type):
            return WrongType(self.types)
        return None


def allows(types: "list[str]", name: str, content_type: str) -> bool:
    """Tell whether a file has one of the types. An empty list of types allows every file.

    Args:
        types: for example `image/*`, `application/pdf` or `.csv`.

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
