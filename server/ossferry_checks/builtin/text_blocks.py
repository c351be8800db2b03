"""Decodes a text file in blocks, so that a file of any size needs little memory."""

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from ossferry_checks.files import CheckedFile
from ossferry_checks.results import TableError

BLOCK = 1 << 20  # bytes
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def text_blocks(file: CheckedFile, *, encoding: str = "") -> Iterator[str]:
    r"""Yield the text of a file in blocks; every end of a line becomes `\n`.

    Args:
        file: the file to decode.
        encoding: the only allowed encoding; empty to allow UTF-8, and UTF-16 with a byte order
            mark.

    Raises:
        TableError: the file has another encoding, its bytes are not valid in its encoding, or it
            contains a NUL character.
        LookupError: Python does not know the encoding.
    """
    with file.path.open("rb") as source:
        mark, codec = _codec(source.read(4), encoding)
        source.seek(len(mark))
        for text in decoded(source, codec):
            yield text
            if text or source.tell() < file.size:
                file.progress(source.tell() / file.size)


def decoded(source: BinaryIO, codec: str) -> Iterator[str]:
    r"""Yield the text of an open file in blocks; every end of a line becomes `\n`.

    Raises:
        TableError: the bytes are not valid in the encoding, or zero bytes are among them.
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(codec)(), translate=True)
    line = 1
    while True:
        data = source.read(BLOCK)
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise _not_valid(error, codec, line) from error
        if "\0" in text:
            line += text.count("\n", 0, text.index("\0"))
            raise TableError("text_zero_byte", line=line, encoding=_shown(codec))
        yield text
        if not data:
            return
        line += text.count("\n")


def _codec(start: bytes, encoding: str) -> tuple[bytes, str]:
    """Return the byte order mark of a text, and its codec.

    Raises:
        TableError: the mark is not the one of the allowed encoding.
    """
    wanted = codecs.lookup(encoding).name.removesuffix("-sig") if encoding else ""
    for mark, codec in MARKS:
        if start.startswith(mark):
            if not codec.startswith(wanted):
                raise TableError(
                    "text_other_encoding", found=_shown(codec), encoding=_shown(wanted)
                )
            return mark, codec
    return b"", wanted or "utf-8"


def _not_valid(error: UnicodeDecodeError, codec: str, line: int) -> TableError:
    before = error.object[: error.start].decode(codec, "replace")
    line += before.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    byte = f"0x{error.object[error.start]:02X}"
    return TableError("text_not_valid", line=line, encoding=_shown(codec), byte=byte)


def _shown(codec: str) -> str:
    return codec.upper().removesuffix("-LE").removesuffix("-BE")
