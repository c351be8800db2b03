"""Snapshots of the store: each snapshot is a directory, given by a path or a name.

A name means a directory inside the mock's data directory. HTTP clients can use only names, because
a path would give access to the whole file system.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from mock_oss.errors import WorldError
from mock_oss.store.data_directory import Store

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_FILE = "mock_oss.sqlite3"


class Snapshots:
    """Saves, restores and deletes the snapshots of one store.

    Iteration over an instance yields the names of the snapshots in the data directory.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._home = store.directory / "snapshots"

    def __iter__(self) -> Iterator[str]:
        if self._home.is_dir():
            yield from sorted(
                path.name for path in self._home.iterdir() if (path / _FILE).is_file()
            )

    def _directory(self, place: Path | str) -> Path:
        if isinstance(place, Path):
            return place
        if not _NAME.fullmatch(place):
            raise WorldError(
                f"{place!r} is not a snapshot name: 1 to 64 letters, digits, '.', '_' or '-'"
            )
        return self._home / place

    def save(self, place: Path | str) -> None:
        """Save buckets, objects, uploads and role sessions in a new or empty directory.

        Args:
            place: the path of this directory (`Path`), or a name for the snapshot, which is then a
                directory with this name in the data directory (`str`).

        Raises:
            WorldError: the directory is not empty or not writable, or the name is not valid.
        """
        directory = self._directory(place)
        try:
            if directory.exists() and any(directory.iterdir()):
                raise WorldError(f"{place} is not empty: choose another directory or name")
            self._store.snapshot(directory)
        except OSError as e:
            raise WorldError(f"cannot save into {directory}: {e.strerror}") from e

    def restore(self, place: Path | str) -> None:
        """Replace the content of the store with the content of a snapshot.

        Args:
            place: the path of the directory (`Path`), or the name of the snapshot in the data
                directory (`str`).

        Raises:
            WorldError: the snapshot does not exist, or the name is not valid.
        """
        directory = self._directory(place)
        if not (directory / _FILE).is_file():
            raise WorldError(f"there is no snapshot {place}")
        self._store.restore(directory)

    def delete(self, name: str) -> None:
        """Delete a snapshot from the data directory.

        Raises:
            WorldError: the snapshot does not exist, or the name is not valid.
        """
        directory = self._directory(name)
        if not directory.is_dir():
            raise WorldError(f"there is no snapshot {name}")
        shutil.rmtree(directory)
