"""Formats values for messages: lists, long texts and sizes."""

from collections.abc import Iterable

from ossferry_checks.sentences import say

MAX_VALUE = 60  # characters
MAX_LISTED = 10


def shortened(value: str) -> str:
    """Return a value for use in a message: one line of at most 60 printable characters."""
    text = " ".join(value.split())
    text = "".join(each if each.isprintable() else "�" for each in text)
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"


def listed(values: Iterable[str], language: str) -> str:
    """Join values from a file to a list for use in a message, such as `a, b, c`.

    Long values are shortened; of more than 10 values, only the first 10 are shown.

    Args:
        values: the values.
        language: the language of the message, which determines the separator.
    """
    shown = [shortened(each) for each in values]
    more = ["…"] if len(shown) > MAX_LISTED else []
    return say("list_separator", language).join([*shown[:MAX_LISTED], *more])


def size_text(size: float) -> str:
    """Return a number of bytes with its unit, such as `1.5 GB`."""
    units = iter(("B", "KB", "MB", "GB", "TB"))
    unit = next(units)
    while size >= 1000 and unit != "TB":
        size, unit = size / 1000, next(units)
    return f"{size:.3g} {unit}" if size < 1000 else f"{size:.0f} {unit}"
