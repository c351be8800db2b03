"""Finds programs of the machine, in `PATH` and where packages put them beside it."""

import os
from pathlib import Path

__all__ = ["find", "prefixes"]


def find(name: str) -> str | None:
    """Return where a program is, or `None`.

    Debian keeps servers in `sbin` and PostgreSQL in `lib/postgresql/VERSION/bin`, which are not in
    everybody's `PATH`; both are found beside a `bin` that is.
    """
    for folder in _folders():
        program = folder / name
        if program.is_file() and os.access(program, os.X_OK):
            return str(program)
    return None


def prefixes() -> list[Path]:
    """Return the folders that hold a `bin` of `PATH`, such as `/usr`."""
    return [folder.parent for folder in _path()]


def _folders() -> list[Path]:
    found = _path()
    for prefix in prefixes():
        versions = prefix.glob("lib/postgresql/*/bin")
        newest_first = sorted(versions, key=lambda path: float(path.parent.name), reverse=True)
        found += [prefix / "sbin", *newest_first]
    return found


def _path() -> list[Path]:
    return [Path(each) for each in os.environ.get("PATH", os.defpath).split(os.pathsep) if each]
