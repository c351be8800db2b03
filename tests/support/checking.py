"""Runs one check over a file that a test makes, and has a `checks.py` for tests."""

from pathlib import Path
from typing import TypeAlias

import pytest

from ossferry_checks import Check, CheckedFile, Reject

Refusal: TypeAlias = "tuple[str, int | None]"

NO_SHORT_TEXTS = """
from ossferry_checks import Reject, check


@check("*.txt")
def is_long(file):
    if file.size < 10:
        raise Reject("Write more.", line=1)
"""
"""The text of a `checks.py`."""


def written(folder: Path, name: str, content: bytes | str) -> CheckedFile:
    """Return a new file."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return CheckedFile(path)


def answer(check: Check, file: CheckedFile) -> object:
    """Return what a check says about a file that it does not refuse."""
    assert check.matches(file.name)
    return check.function(file)


def refusal(check: Check, file: CheckedFile) -> Refusal:
    """Return the reason and the line with which a check refuses a file."""
    assert check.matches(file.name)
    with pytest.raises(Reject) as caught:
        check.function(file)
    return caught.value.reason, caught.value.line
