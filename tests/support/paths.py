"""Finds programs in `PATH` and in related folders of the distribution's packages."""

import os
from pathlib import Path


def find(name: str) -> str | None:
    """Return the path of a program, or `None`.

    Debian installs servers in `sbin`, and PostgreSQL in `lib/postgresql/VERSION/bin`. These folders
    are often not in `PATH`, so this function derives them from the `bin` folders in `PATH`.
    """
    for folder in _folders():
        program = folder / name
        if program.is_file() and os.access(program, os.X_OK):
            return str(program)
    return None


def prefixes() -> list[Path]:
    """Return the parents of the `bin` folders in `PATH`, such as `/usr`."""
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
