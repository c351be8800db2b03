"""Limits for uploads: the size and type of a file, and the number of files.

The page checks the limits only to show an error at once. OSS enforces size and type only if the
grant has a signed form. An application that must not accept certain content has to check the stored
objects.
"""

from ossferry_uploader.transfer.checks.rules import matches
from ossferry_uploader.transfer.errors import FileTooLarge, FileTooSmall, TransferError, WrongType
from ossferry_uploader.transfer.plan import MAX_FILES, MAX_OBJECT_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.transfer.files import File


class Limits:
    """The limits in a grant, or the limits that a site sets for the page that it embeds.

    Args:
        max_file_size: the largest allowed size of a file in bytes.
        min_file_size: the smallest allowed size of a file in bytes.
        max_files: the largest allowed number of unfinished files at a time.
        types: the allowed types, as in the HTML attribute `accept`; an empty list allows all.
        min_files: the number of files without which a page sends none.
        max_total_size: the largest allowed size in bytes of the unfinished and finished files
            together; `None` for no limit.
        max_total: the largest allowed number of unfinished and finished files; `None` for no limit.
        outer_types: a second list of allowed types; a file must be allowed by both lists.
        replaced: patterns for the names of files that a check often replaces, such as `*.heic`.
            For these files, the limits of size and type apply to the file that the page sends, not
            to the chosen file.
    """

    def __init__(
        self,
        *,
        max_file_size: int = MAX_OBJECT_BYTES,
        max_files: int = MAX_FILES,
        types: "list[str]",
        max_total: "int | None" = None,
        min_file_size: int = 0,
        min_files: int = 0,
        max_total_size: "int | None" = None,
        outer_types: "list[str] | None" = None,
        replaced: "list[str] | None" = None,
    ) -> None:
        self.max_file_size = min(max_file_size, MAX_OBJECT_BYTES)
        self.max_files = max_files
        self.types = types
        self.max_total = max_total
        self.min_file_size = min_file_size
        self.min_files = min_files
        self.max_total_size = max_total_size
        self.replaced = replaced or []
        self._outer_types = outer_types or []

    def within(self, outer: "Limits") -> "Limits":
        """Return limits that allow a file only if these limits and the limits `outer` allow it."""
        return Limits(
            max_file_size=min(self.max_file_size, outer.max_file_size),
            max_files=min(self.max_files, outer.max_files),
            types=self.types or outer.types,
            max_total=self.max_total,
            min_file_size=max(self.min_file_size, outer.min_file_size),
            min_files=max(self.min_files, outer.min_files),
            max_total_size=_least(self.max_total_size, outer.max_total_size),
            outer_types=outer.types,
            replaced=self.replaced,
        )

    def is_replaced(self, name: str) -> bool:
        """Return whether a pattern in `replaced` matches this file name."""
        return any(matches(name, pattern) for pattern in self.replaced)

    def accept(self) -> str:
        """Return the value for the HTML attribute `accept`; empty if all types are allowed."""
        if not self.types:
            return ""
        accepted = list(self.types)
        for pattern in self.replaced:
            ending = "." + pattern.rpartition(".")[2]
            if pattern[-len(ending) :] != ending or any(char in ending for char in "*?[]"):
                return ""
            if ending not in accepted:
                accepted.append(ending)
        return ",".join(accepted)

    def refusal(self, file: "File") -> "TransferError | None":
        """Return the error for a file that exceeds the limits; `None` if the file is allowed.

        The method does not read the file. If the file has no content type and the limits name
        content types, the type is not checked here, because the first bytes of the file can show
        the type later.
        """
        if file.size > self.max_file_size:
            return FileTooLarge(file.size, self.max_file_size)
        if file.size < self.min_file_size and not getattr(file, "is_stream", False):
            return FileTooSmall(file.size, self.min_file_size)
        types = self.types + self._outer_types
        if not file.content_type and any("/" in allowed for allowed in types):
            return None
        return self.type_refusal(file.name, file.content_type)

    def type_refusal(self, name: str, content_type: str) -> "TransferError | None":
        """Return the error for a file whose type is not allowed; `None` if the type is allowed.

        Args:
            name: the name of the file.
            content_type: the content type of the file; empty if unknown.
        """
        for types in (self.types, self._outer_types):
            if not allows(types, name, content_type):
                return WrongType(types)
        return None


def _least(one: "int | None", other: "int | None") -> "int | None":
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


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
    for allowed in types:
        if allowed.startswith("."):
            fits = name.endswith(allowed)
        elif allowed.endswith("/*"):
            fits = content_type.startswith(allowed[:-1])
        else:
            fits = content_type == allowed
        if fits:
            return True
    return not types
