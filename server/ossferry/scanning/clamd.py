"""Asks clamd, the daemon of ClamAV, whether an upload is malware.

Bytes go to clamd with the command INSTREAM, over a Unix socket or TCP. clamd must say what it did
not look into: its options `AlertEncrypted` and `AlertExceedsMax` must be on. `probe` tests this,
because clamd otherwise answers OK for encrypted archives.

Source: clamd(8), and clamd.conf(5).
"""

import asyncio
import contextlib
import io
import re
import socket
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime, timedelta

from ossferry.clock import Clock
from ossferry.scanning.verdict import CLEAN, Content, Outcome, Verdict

CONNECT_S = 5.0
SEND_S = 30.0
"""Seconds without progress while bytes are sent."""

ANSWER_S = 300.0
"""Seconds until the answer; clamd itself stops after two minutes (`MaxScanTime`)."""

MAX_AGE = timedelta(days=7)
NEST = 101
"""Archives in archives; clamd looks at most into 100 (`MaxRecursion`)."""

SILENT = (OSError, TimeoutError, EOFError)
MAX_ANSWER = 4096
FOUND = re.compile(r"stream: (.{1,200}) FOUND")
UNSCANNABLE = {
    "Heuristics.Encrypted.": "It is encrypted, so no scanner can look into it.",
    "Heuristics.Limits.Exceeded": "It is too large, or has too much in it, for the scanner.",
}
TOO_LARGE = "INSTREAM size limit exceeded"
EICAR = "".join((r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE!$H+H*"))
"""The harmless file that all scanners find. In pieces, or they would find this module."""


class Clamd:
    """A client of clamd, which opens a new connection for each command.

    Args:
        address: the path of a Unix socket, or `host:port`.
    """

    def __init__(self, address: str, *, clock: Clock) -> None:
        self._address = address
        self._clock = clock

    async def scan(self, content: Content) -> Verdict:
        """Send the content of an upload to clamd, and return its verdict.

        Raises:
            ChangedError: the temporary file no longer has the bytes of the object.
        """
        try:
            return _verdict(await self._stream(content.pieces()))
        except SILENT as error:
            return Verdict(Outcome.LATER, f"clamd does not answer ({type(error).__name__})")

    async def probe(self) -> str:
        """Return why clamd cannot be trusted now, as a sentence; empty if it can.

        Its signatures must not be older than `MAX_AGE`, if it has official ones. It must find the
        test file, and must not accept what it cannot look into.
        """
        try:
            version = await self._ask("VERSION")
            if (age := self._age(version)) and age > MAX_AGE:
                return f"The signatures of clamd are {age.days} days old."
            for sample, wanted, complaint in SAMPLES:
                if _verdict(await self._stream(_whole(sample))).outcome is not wanted:
                    return complaint
        except SILENT as error:
            return f"clamd does not answer ({type(error).__name__})."
        return ""

    def _age(self, version: str) -> timedelta | None:
        """Return the age of the signatures; None if clamd has no official ones.

        The version is `ClamAV 1.4.3/27862/Sat Dec 27 08:26:17 2025`.
        """
        parts = version.split("/")
        if len(parts) < 3:
            return None
        with contextlib.suppress(ValueError):
            made = datetime.strptime(parts[2], "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
            return self._clock() - made
        return timedelta.max

    async def _ask(self, command: str) -> str:
        async with self._connection() as sock:
            await _send(sock, f"z{command}\0".encode())
            return await _answer(sock, CONNECT_S)

    async def _stream(self, pieces: AsyncGenerator[bytes]) -> str:
        """Send bytes with the command INSTREAM, and return the answer.

        This needs the socket itself: clamd may answer and hang up before the end, and the streams
        of asyncio lose an answer after a failed write.
        """
        async with contextlib.aclosing(pieces), self._connection() as sock:
            with contextlib.suppress(ConnectionError):
                await _send(sock, b"zINSTREAM\0")
                async for piece in pieces:
                    await _send(sock, len(piece).to_bytes(4, "big") + piece)
                await _send(sock, bytes(4))
            return await _answer(sock, ANSWER_S)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[socket.socket]:
        if self._address.startswith("/"):
            sock = socket.socket(socket.AF_UNIX)
        else:
            host, _, port = self._address.rpartition(":")
            there = host.strip("[]"), int(port)
            sock = await asyncio.to_thread(socket.create_connection, there, CONNECT_S)
        with sock:
            sock.setblocking(False)
            if sock.family == socket.AF_UNIX:
                async with asyncio.timeout(CONNECT_S):
                    await asyncio.get_running_loop().sock_connect(sock, self._address)
            yield sock


async def _send(sock: socket.socket, data: bytes) -> None:
    async with asyncio.timeout(SEND_S):
        await asyncio.get_running_loop().sock_sendall(sock, data)


async def _answer(sock: socket.socket, limit_s: float) -> str:
    """Return the answer to a command.

    Raises:
        EOFError: clamd has hung up, or the answer has no end.
    """
    answer = b""
    async with asyncio.timeout(limit_s):
        while not answer.endswith(b"\0"):
            piece = await asyncio.get_running_loop().sock_recv(sock, MAX_ANSWER)
            answer += piece
            if not piece or len(answer) > MAX_ANSWER:
                raise EOFError
    return answer.rstrip(b"\0\n").decode("utf-8", "replace")


def _verdict(answer: str) -> Verdict:
    """Return what an answer to INSTREAM means."""
    if answer == "stream: OK":
        return CLEAN
    if answer.startswith(TOO_LARGE):
        return Verdict(Outcome.UNSCANNABLE, UNSCANNABLE["Heuristics.Limits.Exceeded"])
    found = FOUND.fullmatch(answer)
    if found is None:
        return Verdict(Outcome.LATER, f"clamd answers {answer[:100]!r}")
    for start, reason in UNSCANNABLE.items():
        if found[1].startswith(start):
            return Verdict(Outcome.UNSCANNABLE, reason)
    return Verdict(Outcome.BAD, f"The virus scanner has found {found[1]}.")


async def _whole(data: bytes) -> AsyncGenerator[bytes]:
    yield data


def _zipped(data: bytes, times: int = 1) -> bytes:
    for _ in range(times):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a", data)
        data = out.getvalue()
    return data


def _encrypted(archive: bytes) -> bytes:
    """Return an archive with the flag of encryption in both headers of its file."""
    found = bytearray(archive)
    found[6] |= 1
    found[found.index(b"PK\1\2") + 8] |= 1
    return bytes(found)


SAMPLES = (
    (
        EICAR.encode(),
        Outcome.BAD,
        "clamd does not find the EICAR test file: it lacks official signatures.",
    ),
    (
        _encrypted(_zipped(b"sample")),
        Outcome.UNSCANNABLE,
        "clamd accepts encrypted archives: set AlertEncrypted yes in clamd.conf.",
    ),
    (
        _zipped(b"sample", NEST),
        Outcome.UNSCANNABLE,
        "clamd accepts what exceeds its limits: set AlertExceedsMax yes in clamd.conf.",
    ),
)
"""Test files, each with the verdict that clamd must give, and the complaint if it gives another."""
