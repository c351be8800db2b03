"""The results that a check of a file can return or raise."""

from dataclasses import dataclass, field
from pathlib import Path

from ossferry_checks.sentences import say

RESERVED = ("name", "sha256")  # the upload itself writes these
ENCRYPTION = "client-side-encryption-"  # and these; an SDK decrypts the object by them
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def _line(line: int | None) -> int | None:
    """Return a number of a line as an `int`; NumPy has other types."""
    return None if line is None else int(line)


class Reject(Exception):  # noqa: N818 - the name that a check reads well with
    """Raised or returned by a check: the file must not be uploaded.

    Attributes:
        reason: a sentence for the person who uploads the file.
        line: the number of the line in the file, counted from 1; None if the reason concerns no
            line.
        repair: whether the page may offer to repair the table. The constructor does not set it;
            only the built-in check of tables does.
    """

    repair = False

    def __init__(self, reason: str, *, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = str(reason)
        self.line = _line(line)


class TableError(Exception):
    """A text or table cannot be read.

    Attributes:
        key: the key of the sentence about the reason.
        line: the number of the line or row in the file, counted from 1; None if the reason
            concerns no line.
        values: the values for the placeholders in the sentence.
    """

    def __init__(self, key: str, *, line: int | None = None, **values: object) -> None:
        super().__init__(say(key, "en", **values))
        self.key = key
        self.line = line
        self.values = values

    def says(self, language: str, *, advice: str = "") -> str:
        """Return what is wrong and what to do, in a language such as `zh-CN`.

        Args:
            advice: the key of another sentence about what to do, in place of the last one.
        """
        said = say(self.key, language, **self.values)
        if not advice:
            return said
        end = max(said.rfind(". ", 0, -1) + 2, said.rfind("。", 0, -1) + 1)
        return said[:end] + say(advice, language)


@dataclass(frozen=True, slots=True)
class Ask:
    """Returned by a check: the file is uploaded only if the person who uploads it agrees.

    Attributes:
        question: the question for this person, for example about what the check found.
        line: the number of the line in the file, counted from 1; None if the question concerns no
            line.
        repair: whether the page may offer to repair the table; only the built-in check of tables
            sets it.
    """

    question: str
    line: int | None = None
    repair: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "question", str(self.question))
        object.__setattr__(self, "line", _line(self.line))


@dataclass(frozen=True, slots=True)
class Replace:
    """Returned by a check: another file is uploaded in place of the checked file.

    The checks that follow get the new file.

    Attributes:
        path: the path of the new file, for example in the folder `file.folder`.
        name: the name of the new file; empty to keep the name of the checked file.
        type: the content type of the new file. If it is empty, the type follows from the new name,
            or stays if the name stays.
        reason: a sentence about the change for the person who uploads the file; may be empty.
    """

    path: Path
    name: str = ""
    type: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        for name in ("name", "type", "reason"):
            object.__setattr__(self, name, str(getattr(self, name)))


class Note:
    """Returned by a check: metadata for the uploaded object, stored as headers `x-oss-meta-*`.

    Args:
        metadata: keyword arguments: `Note(page_count="3")` becomes `x-oss-meta-page-count: 3`.

    Raises:
        ValueError: a name has characters other than `a-z`, `0-9` and `_`, or the upload itself
            writes this metadata: `name`, `sha256`, and names that begin with
            `client_side_encryption_`.
    """

    def __init__(self, **metadata: str) -> None:
        self.metadata = {name.replace("_", "-"): str(value) for name, value in metadata.items()}
        for name in self.metadata:
            if name in RESERVED or name.startswith(ENCRYPTION):
                raise ValueError(f"the metadata {name!r} is written by the upload itself")
            if not set(name) <= LETTERS:
                raise ValueError(f"a name of metadata consists of a-z, 0-9 and _, not {name!r}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Note) and self.metadata == other.metadata

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.metadata.items())))

    def __repr__(self) -> str:
        return f"Note({', '.join(f'{name}={value!r}' for name, value in self.metadata.items())})"


class Details:
    """Returned by a check: what it has found in the file for the operator's fields.

    The page offers these values in the dialog with the details of the file. If they are valid, and
    no required field is missing, the person has nothing to fill in.

    Args:
        values: keyword arguments: the names and values of fields; a date is written as
            `2026-12-31`, and yes or no as a `bool`.
    """

    def __init__(self, **values: object) -> None:
        plain = {name: getattr(value, "value", value) for name, value in values.items()}
        self.values = {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in plain.items()
        }


Result = Ask | Details | Note | Replace
