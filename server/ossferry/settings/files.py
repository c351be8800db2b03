"""Reads the files that options name."""

from pathlib import Path

from ossferry.errors import SettingsError


def read_file(option: str, path: Path) -> bytes:
    """Return the content of a file that an option names.

    Raises:
        SettingsError: the file cannot be read; the message names the option and the file.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{option}: {path} cannot be read ({error.strerror}); correct the path, or let the"
            " server's user read the file."
        ) from error
