"""What the stories ask for and WebKitGTK's WebDriver cannot do: it skips them, and says so."""

from typing import NoReturn

import pytest

__all__ = ["missing", "unsupported"]


def unsupported(what: str) -> NoReturn:
    """Skip the story."""
    pytest.skip(f"WebKitGTK's WebDriver has no {what}")


def missing(owner: object, name: str) -> NoReturn:
    """Skip the story for a name of Playwright's that the adapter does not have."""
    if name.startswith("_"):  # Python and pytest ask for such names themselves
        raise AttributeError(name)
    unsupported(f"{type(owner).__name__}.{name}")
