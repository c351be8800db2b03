"""The built-in check that finds access keys and private keys in text files.

The patterns for keys are precise, so that they match little other text. Messages of the check never
contain a key.
"""

import re
from collections.abc import Iterator

from ossferry_checks.builtin.words import listed
from ossferry_checks.files import CheckedFile
from ossferry_checks.registry import Check
from ossferry_checks.results import Ask
from ossferry_checks.sentences import say

BLOCK = 1 << 20  # bytes
START = 8192  # bytes; a text has no zero byte in them
OVERLAP = 512  # bytes; no key is longer
UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
FEW = 5  # different characters; a key has more, and a placeholder such as `xxxx` has fewer


END = rb"(?![A-Za-z0-9])"
PEM = rb"""(?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----
(?:[\s"',+]|\\[nr])*(?:Proc-Type:|Comment:|Version:|[A-Za-z0-9+/]{20})""".replace(b"\n", b"")
KINDS = (
    ("alibaba", (b"LTAI",), rb"[A-Za-z0-9]{12,26}" + END),
    ("alibaba_sts", (b"STS.",), rb"(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16,40}" + END),
    ("aws", (b"AKIA", b"ASIA"), rb"[A-Z0-9]{16}" + END),
    ("github", (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), rb"[A-Za-z0-9]{36,}" + END),
    ("github", (b"github_pat_",), rb"[A-Za-z0-9_]{50,}" + END),
    ("slack", (b"xox",), rb"[abeoprs]-(?=[A-Za-z-]*[0-9])[A-Za-z0-9-]{20,}" + END),
    ("private_key", (b"-----BEGIN ",), PEM),
)
"""The name of each kind, its first bytes, and the bytes that follow."""

RESTS = [(name, start, re.compile(rest)) for name, starts, rest in KINDS for start in starts]
LETTER = re.compile(rb"[A-Za-z0-9]")


def secrets_check() -> Check:
    """Return the check that finds secrets, such as access keys or private keys, in text files.

    If it finds some, the person who uploads the file must agree before the upload.
    """
    return Check(name="secrets", function=check_secrets, max_seconds=60, seconds_per_mb=0.3)


def check_secrets(file: CheckedFile) -> Ask | None:
    """Search a text file for secrets, such as access keys or private keys.

    Returns:
        A question for the person who uploads the file, or None if the file contains no secrets or
        is not a text.
    """
    kinds: dict[str, None] = {}
    count, first_line = 0, 1
    for kind, line in _keys(file):
        first_line = first_line if count else line
        kinds[kind] = None
        count += 1
    if not count:
        return None
    names = [say(f"secret_{each}", file.language) for each in kinds]
    return Ask(
        say("secrets", file.language, kinds=listed(names, file.language), number=count),
        line=first_line,
    )


def _keys(file: CheckedFile) -> Iterator[tuple[str, int]]:
    """Yield the kind and the line of each key."""
    line, rest = 1, b""
    for block in _text(file):
        text = rest + block
        until = len(text) - OVERLAP if block else len(text)
        at = 0
        for start, kind in sorted(_found(text)):
            if start < until:
                line += text.count(b"\n", at, start)
                at = start
                yield kind, line
        keep = max(at, until, 0)
        line += text.count(b"\n", at, keep)
        rest = text[keep:]


def _found(text: bytes) -> Iterator[tuple[int, str]]:
    """Yield the position and the kind of each key."""
    for name, start, rest in RESTS:
        at = text.find(start)
        while at >= 0:
            found = rest.match(text, at + len(start))
            is_inside = at and start[:1] != b"-" and LETTER.match(text, at - 1)
            if found and not is_inside and not _is_placeholder(found[0]):
                yield at, name
            at = text.find(start, at + 1)


def _is_placeholder(rest: bytes) -> bool:
    return len(set(rest)) < FEW or b"EXAMPLE" in rest


def _text(file: CheckedFile) -> Iterator[bytes]:
    """Yield the blocks of a text file, and an empty one at its end; nothing of a binary file."""
    with file.path.open("rb") as source:
        start = source.read(START)
        codec = UTF16.get(start[:2], "")
        if b"\0" in start and not codec:
            return
        source.seek(0)
        done = 0
        while data := source.read(BLOCK):
            yield data.decode(codec, "replace").encode() if codec else data
            done += len(data)
            file.progress(done / file.size)
        yield b""
