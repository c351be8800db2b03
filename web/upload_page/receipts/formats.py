"""The receipt (the list of stored files) as CSV and JSON.

It has name, key, size, CRC-64, request id and time of each file. It also has the results of the
checks before the upload. Their name in the receipt says that the page claims them, because the
server cannot verify that the checks ran.
"""

import json

from ossferry_uploader.oss.times import to_iso
from ossferry_uploader.transfer.checks.claims import short_claim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from ossferry_uploader.transfer.upload import Upload

    T = TypeVar("T")
    Row = tuple[Upload, float]  # with the time when it was done, in seconds since 1970

COLUMNS = ("name", "key", "size", "crc64", "request_id", "arrived_at", "checks_claimed")
# Spreadsheets read a formula where a cell begins with one of these.
FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20\t\r"
# Some begin a new cell after these, and remove these from its beginning.
SEPARATORS = ";\t\r\n"
REMOVED = "\"' \u00a0\u3000\ufeff"


def as_csv(rows: "list[Row]") -> str:
    """Return the receipt, a list of stored files, as CSV (RFC 4180).

    The last column contains the name, the outcome and the message of each check, such as
    `has_columns: passed`. The text begins with a byte order mark, because spreadsheets recognise
    UTF-8 only with this mark.

    Args:
        rows: `(upload, end)` for each finished upload; `end` is the time when it ended, in seconds
            since 1970.
    """
    lines = [",".join(COLUMNS)]
    for upload, at_s in rows:
        checks = _checks_text(short_claim(upload.checks))
        lines.append(",".join([_cell(value) for value in _row(upload, at_s, checks)]))
    return "\ufeff" + "\r\n".join(lines) + "\r\n"


def as_json(rows: "list[Row]") -> str:
    """Return the receipt, a list of stored files, as JSON: `{"version": 1, "files": [{...}]}`.

    Each file has the names in `COLUMNS`. `size` is in bytes, and `arrived_at` is in ISO 8601.
    `checks_claimed` is null if no check ran; otherwise it is `{"version": hash of checks.py, "ran":
    [{"check": name, "outcome": word, "says": message}]}`.

    Args:
        rows: `(upload, end)` for each finished upload; `end` is the time when it ended, in seconds
            since 1970.
    """
    files = [
        dict(zip(COLUMNS, _row(upload, at_s, short_claim(upload.checks))))  # noqa: B905 - MicroPython
        for upload, at_s in rows
    ]
    return json.dumps({"version": 1, "files": files})


def _row(upload: "Upload", at_s: float, checks: "T") -> "list[str | int | T]":
    return [
        upload.name,
        upload.key,
        upload.file.size,
        upload.crc64,
        upload.request_id,
        to_iso(at_s),
        checks,
    ]


def _checks_text(checks: "dict[str, Any] | None") -> str:
    said = []
    for ran in checks["ran"] if checks else []:
        words = f" ({ran['says']})" if ran["says"] else ""
        said.append(f"{ran['check']}: {ran['outcome']}{words}")
    return "; ".join(said)


def _cell(value: "str | int") -> str:
    text = _without_formulas(value) if isinstance(value, str) else str(value)
    if [char for char in ',";\t\r\n' if char in text]:
        return '"' + text.replace('"', '""') + '"'
    return text


def _without_formulas(text: str) -> str:
    """Return the text with `'` before each character that would begin a formula in a cell."""
    before, safe = SEPARATORS[0], []
    for char in text:
        if before in SEPARATORS and char in FORMULA:
            safe.append("'")
        safe.append(char)
        if char not in REMOVED:
            before = char
    return "".join(safe)
