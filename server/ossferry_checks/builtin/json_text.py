"""The built-in check of JSON and JSON Lines files.

The check reads the file in blocks. Python's parser reads every value that fits into the buffer; a
larger value is read token by token, so memory use does not depend on the size of the file. Python's
parser is recursive, and deeply nested values can overflow the stack of a browser. Therefore deeply
nested values are also read token by token.
"""

import json
import re
from collections.abc import Iterator
from itertools import accumulate, repeat
from json.scanner import make_scanner
from typing import NoReturn

from ossferry_checks.builtin.text_blocks import text_blocks
from ossferry_checks.builtin.words import shortened
from ossferry_checks.files import CheckedFile
from ossferry_checks.registry import Check
from ossferry_checks.results import Reject, TableError
from ossferry_checks.sentences import say

LINES = (".jsonl", ".ndjson")
FULL = 1 << 20  # characters; a larger value is read token by token
LONGEST_WORD = 10_000  # characters of a number
LONGEST_ESCAPE = 6  # characters
MAX_DEPTH = 1000  # of nested arrays and objects
SHALLOW = 50  # levels that are safe for Python's parser in every browser

STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
NO_BRACKETS = bytes({*range(256)} - STEPS.keys())
SPACE = r"[ \t\n]*+"
CHARACTERS = r'(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+'
WORD = r"(?:-?+(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?+[0-9]++)?+|true|false|null)"
SPACES = re.compile(SPACE)
COMMA = re.compile(rf"{SPACE},{SPACE}")
SPACES_IN_LINE = re.compile(r"[ \t]*+")
STRING = re.compile(CHARACTERS)
SIMPLE = rf'(?:{WORD}|"{CHARACTERS}"){SPACE},{SPACE}'
SIMPLE_ITEMS = re.compile(rf"(?:{SIMPLE})*+")
"""Strings, numbers and words in an array, each with its comma."""

SIMPLE_MEMBERS = re.compile(rf'(?:"{CHARACTERS}"{SPACE}:{SPACE}{SIMPLE})*+')
"""The same in an object, with their keys."""

WORD_CHARACTERS = re.compile(r"[-+.0-9A-Za-z]*+")
WHOLE_WORD = re.compile(WORD)


def json_check() -> Check:
    """Return the check that refuses JSON and JSON Lines files which are not well-formed."""
    return Check(
        name="json",
        function=check_json,
        patterns=("*.json", "*.geojson", "*.jsonl", "*.ndjson"),
        max_seconds=60,
        seconds_per_mb=1.0,
    )


def check_json(file: CheckedFile) -> None:
    """Check that a file is well-formed JSON, or JSON Lines if it is named `*.jsonl` or `*.ndjson`.

    Raises:
        Reject: the file is not well-formed, not UTF-8, or nested too deeply.
    """
    has_lines = file.name.lower().endswith(LINES)
    try:
        Reader(file, text_blocks(file, encoding="utf-8"), has_lines=has_lines).read()
    except TableError as error:
        raise Reject(error.says(file.language), line=error.line) from error


def depth_limit(text: str) -> int:
    """Return an upper limit for the nesting depth of the JSON values in a text.

    Brackets inside strings are counted too, so the real depth can be smaller.
    """
    brackets = text.encode("utf-8", "surrogatepass").translate(None, NO_BRACKETS)
    depths = [0, *accumulate(map(STEPS.__getitem__, brackets))]
    return max(depths) - min(depths)


def not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class Reader:
    """Reads all values of a JSON or JSON Lines file, to check that they are well-formed.

    `_at` is the position in the buffer. `_line` is the line number at the start of the buffer.

    Args:
        file: the file, for error messages.
        blocks: the text of the file in blocks, as `text_blocks` yields it.
        has_lines: True for JSON Lines: one value in each line.
        full: the number of characters up to which Python's parser reads a value at once; a longer
            value is read token by token.
    """

    def __init__(
        self, file: CheckedFile, blocks: Iterator[str], *, has_lines: bool, full: int = FULL
    ) -> None:
        self._file = file
        self._blocks = blocks
        self._has_lines = has_lines
        self._full = full
        self._spaces = SPACES_IN_LINE if has_lines else SPACES
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._has_ended = False
        self._is_shallow = True
        self._may_have_lines = True
        self._open: list[str] = []  # the ends of the open arrays and objects
        decoder = json.JSONDecoder(parse_constant=not_json)
        self._scan = make_scanner(decoder)  # type: ignore[arg-type] # typeshed is wrong here

    def read(self) -> None:
        """Read the whole file, only to find out whether it is well-formed; keep no values.

        Raises:
            Reject: the file is not well-formed JSON (JSON Lines if `has_lines` is true), or nested
                too deeply.
            TableError: the file is not UTF-8.
        """
        if self._has_lines:
            while self._skip(SPACES):
                if self._whole_lines():
                    continue
                self._value()
                if self._peek() not in ("", "\n"):
                    raise self._reject("json_lines")
        else:
            self._value()
            if self._peek():
                raise self._unexpected()

    def _value(self) -> None:
        """Read one value, which may be larger than the buffer."""
        while True:
            if self._open and self._open[-1] == "]" and not self._has_lines:
                self._items()
            if not self._whole_value() and self._has_more_inside():
                continue
            while self._open and self._peek() == self._open[-1]:
                self._open.pop()
                self._at += 1
            if not self._open:
                return
            self._take(",")
            self._key()

    def _whole_lines(self) -> bool:
        """Read all lines that the buffer contains, if each is one value and nothing else.

        Otherwise, the lines of this buffer are read one by one.
        """
        end = self._buffer.rfind("\n", self._at)
        if end < 0 or not self._is_shallow or not self._may_have_lines:
            return False
        stripped = (line.strip(" \t") for line in self._buffer[self._at : end].split("\n"))
        lines = [line for line in stripped if line]
        try:
            ends = [at for _, at in map(self._scan, lines, repeat(0))]
        except (StopIteration, ValueError):
            ends = []
        self._may_have_lines = ends == [len(line) for line in lines]
        if self._may_have_lines:
            self._at = end + 1
        return self._may_have_lines

    def _items(self) -> None:
        """Read the items of an array that the buffer contains, each with its comma."""
        self._peek()
        self._move(SIMPLE_ITEMS)
        if not self._is_shallow:
            return
        try:
            while True:
                _, end = self._scan(self._buffer, self._at)
                found = COMMA.match(self._buffer, end)
                if not found:
                    return
                self._at = found.end()
        except (StopIteration, ValueError):
            return

    def _whole_value(self) -> bool:
        """Read a string, array or object that the buffer contains.

        Returns:
            Whether there was one.
        """
        if self._peek() not in ('"', "[", "{"):
            return False
        while self._is_shallow:
            try:
                _, end = self._scan(self._buffer, self._at)
            except (StopIteration, ValueError):
                end = len(self._buffer)
            if end < len(self._buffer):
                if self._has_lines and "\n" in self._buffer[self._at : end]:
                    raise self._reject("json_lines")
                self._at = end
                return True
            if len(self._buffer) - self._at >= self._full or not self._more():
                break
        return False

    def _has_more_inside(self) -> bool:
        """Read a string, number or word, or the start of an array or object.

        Whatever is wrong in the file is found here, and not by Python's parser.

        Returns:
            Whether an array or object has begun that is not empty.
        """
        first = self._peek()
        if first == '"':
            self._string()
        elif first in ("[", "{"):
            if len(self._open) == MAX_DEPTH:
                raise self._reject("json_deep", limit=MAX_DEPTH)
            self._open.append("]" if first == "[" else "}")
            self._at += 1
            if self._peek() != self._open[-1]:
                self._key()
                return True
        else:
            self._word()
        return False

    def _key(self) -> None:
        """Read a key and a colon, if the innermost container is an object."""
        if self._open[-1] == "}":
            if not self._has_lines:
                self._peek()
                self._move(SIMPLE_MEMBERS)
            if self._peek() != '"':
                raise self._unexpected()
            self._string()
            self._take(":")

    def _take(self, character: str) -> None:
        if self._peek() != character:
            raise self._unexpected()
        self._at += 1

    def _string(self) -> None:
        """Read a string, which may be larger than the buffer."""
        self._at += 1
        while True:
            self._move(STRING)
            is_cut = len(self._buffer) - self._at < LONGEST_ESCAPE
            if self._buffer[self._at : self._at + 1] == '"':
                self._at += 1
                return
            if not is_cut or not self._more():
                raise self._unexpected()

    def _word(self) -> None:
        """Read a number, `true`, `false` or `null`."""
        while True:
            found = WORD_CHARACTERS.match(self._buffer, self._at)
            end = found.end() if found else self._at
            if end < len(self._buffer) or end - self._at > LONGEST_WORD or not self._more():
                break
        if end == self._at or not WHOLE_WORD.fullmatch(self._buffer, self._at, end):
            raise self._unexpected(end)
        self._at = end

    def _peek(self) -> str:
        return self._skip(self._spaces)

    def _skip(self, spaces: re.Pattern[str]) -> str:
        """Skip spaces, and return the next character; an empty text at the end of the file."""
        while True:
            self._move(spaces)
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def _move(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._buffer, self._at)
        self._at = found.end() if found else self._at

    def _more(self) -> bool:
        """Add a block to the buffer, and return whether there was one; the last is a space."""
        block = next((each for each in self._blocks if each), "")
        if not block and not self._has_ended:
            self._has_ended, block = True, " "
        self._line += self._buffer.count("\n", 0, self._at)
        self._buffer = self._buffer[self._at :] + block
        self._at = 0
        self._may_have_lines = True
        self._is_shallow = depth_limit(self._buffer) <= SHALLOW
        return bool(block)

    def _unexpected(self, end: int = 0) -> Reject:
        if self._has_ended and not self._buffer[self._at :].strip():
            return self._reject("json_end")
        if self._has_lines and self._buffer[self._at] == "\n":
            return self._reject("json_lines")
        found = self._buffer[self._at : max(end, self._at + 1)]
        return self._reject("json_unexpected", found=shortened(found) or repr(found)[1:-1])

    def _reject(self, key: str, **values: object) -> Reject:
        line = self._line + self._buffer.count("\n", 0, self._at)
        return Reject(say(key, self._file.language, **values), line=line)
