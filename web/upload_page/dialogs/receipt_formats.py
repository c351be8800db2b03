"""The receipt as CSV and JSON: name, key, size, CRC-64, request id and time of each file."""

import json

from ossferry_uploader.oss.times import to_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.transfer.upload import Upload

    Row = tuple[Upload, float]  # with the time when it was done, in seconds since 1970

__all__ = ["as_csv", "as_json"]

COLUMNS = ("name", "key", "size", "crc64", "request_id", "arrived_at")
FORMULA = "=+-@\t\r"  # a cell that begins with one of these is a formula for a spreadsheet


def as_csv(rows: "list[Row]") -> str:
    """Return the receipt as CSV (RFC 4180).

    The text begins with a byte order mark. Without this mark, spreadsheets do not recognise UTF-8.
    """
    lines = [",".join(COLUMNS)]
    lines += [",".join([_cell(value) for value in _row(*row)]) for row in rows]
    return "\ufeff" + "\r\n".join(lines) + "\r\n"


def as_json(rows: "list[Row]") -> str:
    """Return the receipt as JSON: `{"version": 1, "files": [{...}]}`.

    Sizes are in bytes, times are in ISO 8601.
    """
    files = [dict(zip(COLUMNS, _row(*row))) for row in rows]  # noqa: B905 - MicroPython
    return json.dumps({"version": 1, "files": files})


def _row(upload: "Upload", at_s: float) -> "list[str | int]":
    return [
        upload.file.name,
        upload.key,
        upload.file.size,
        upload.crc64,
        upload.request_id,
        to_iso(at_s),
    ]


def _cell(value: "str | int") -> str:
    text = str(value)
    if isinstance(value, str) and text[:1] and text[0] in FORMULA:
        text = "'" + text
    if [char for char in ',"\r\n' if char in text]:
        return '"' + text.replace('"', '""') + '"'
    return text
