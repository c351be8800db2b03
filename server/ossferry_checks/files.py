"""`CheckedFile`: the file that a check reads."""

import mimetypes
import tempfile
from collections.abc import Callable
from pathlib import Path


def _ignore(_share: float) -> None:
    pass


class CheckedFile:
    """A file that a check reads before the upload.

    Attributes:
        path: the path at which a check can open the file. The file is read-only. In the browser, a
            file above 32 MiB is read from the disk, and a smaller file is in memory.
        name: the name of the file.
        size: the size in bytes.
        type: the content type, such as `text/csv`; empty if it is unknown.
        language: the language of the person who uploads the file, such as `zh-CN`.

    Args:
        name: the name of the file; by default the name of `path`.
        type: the content type; by default the one that belongs to the extension of the name.
        folder: a folder for new files, which is created at its first use; by default a temporary
            folder.
        on_progress: called with the finished share of the check, from 0 to 1.

    Raises:
        OSError: there is no such file.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str = "",
        type: str = "",
        language: str = "en",
        folder: Path | None = None,
        on_progress: Callable[[float], None] = _ignore,
    ) -> None:
        self.path = path
        self.name = name or path.name
        self.size = path.stat().st_size
        self.type = type or mimetypes.guess_type(self.name)[0] or ""
        self.language = language
        self._folder = folder
        self._on_progress = on_progress

    @property
    def folder(self) -> Path:
        """The folder in which a check can create new files, for example for a `Replace`.

        Each check has its own folder.
        """
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="ossferry-"))
        self._folder.mkdir(exist_ok=True)
        return self._folder

    def progress(self, share: float) -> None:
        """Report the progress of a check, which the page shows to the person who uploads the file.

        Args:
            share: the finished share of the check, from 0 to 1.
        """
        self._on_progress(min(1.0, max(0.0, share)))
