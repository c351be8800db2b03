"""Parsers for the values of options; an error message says in one sentence what the value must be.

The functions raise `typer.BadParameter`, so a wrong value ends the command with exit code 2.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import typer


def day(text: str) -> datetime:
    """Parse a day such as `2026-11-28`, and return its beginning in UTC.

    Raises:
        typer.BadParameter: the text is not a day.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise typer.BadParameter("Give a day such as 2026-11-28.") from error


def whole_number(*, most: int) -> Callable[[str], int]:
    """Return a parser for whole numbers from 0 to `most`.

    The parser raises `typer.BadParameter` for other text.
    """

    def read(text: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", str(text)):
            raise typer.BadParameter(f"Give a whole number from 0 to {most}.")
        if int(text) > most:
            raise typer.BadParameter(f"At most {most}.")
        return int(text)

    return read
