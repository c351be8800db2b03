"""The real clamd, and programs that only look like it."""

import asyncio
import io
import random
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import pytest
from fastcrc import crc64

from ossferry.scanning import clamd as module
from ossferry.scanning.clamd import EICAR, Clamd
from ossferry.scanning.verdict import ChangedError, Content, Outcome, Verdict
from support.clamd import LIMIT, clamd

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
BAD = EICAR.encode()
NOISE = random.Random(1).randbytes(LIMIT + 1)
Answer: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def zipped(*files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, data in enumerate(files):
            archive.writestr(f"{number}.bin", data)
    return out.getvalue()


def content(folder: Path, data: bytes) -> Content:
    path = folder / "content"
    path.write_bytes(data)
    return Content(path=path, name="a.bin", size=len(data), crc64=str(crc64.xz(data)))


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with clamd(tmp_path_factory.mktemp("clamd")) as socket:
        yield socket


ENCRYPTED, LARGE = (module.UNSCANNABLE[each] for each in module.UNSCANNABLE)
FILES = {
    "text": (b"hello", Outcome.CLEAN, ""),
    "nothing": (b"", Outcome.CLEAN, ""),
    "EICAR": (BAD, Outcome.BAD, "The virus scanner has found Eicar-Test.UNOFFICIAL."),
    "EICAR in ZIP in ZIP": (zipped(zipped(b"x" + BAD)), Outcome.BAD, ""),
    "encrypted": (module.SAMPLES[1][0], Outcome.UNSCANNABLE, ENCRYPTED),
    "too large": (NOISE, Outcome.UNSCANNABLE, LARGE),
    "EICAR behind the limit in ZIP": (zipped(bytes(LIMIT) + BAD), Outcome.UNSCANNABLE, LARGE),
    "bomb in ZIP in ZIP": (zipped(zipped(bytes(LIMIT + 1))), Outcome.UNSCANNABLE, LARGE),
    "many files in ZIP": (zipped(*[bytes(LIMIT // 2)] * 3), Outcome.UNSCANNABLE, LARGE),
}


@pytest.mark.parametrize(("data", "outcome", "reason"), FILES.values(), ids=FILES)
def test_t70_clamd_says_what_it_has_found_and_what_it_has_not_seen(
    daemon: str, tmp_path: Path, data: bytes, outcome: Outcome, reason: str
) -> None:
    found = asyncio.run(Clamd(daemon, clock=lambda: NOW).scan(content(tmp_path, data)))

    assert found.outcome is outcome
    assert reason in found.reason


def test_clamd_as_deployed_can_be_trusted(daemon: str) -> None:
    assert asyncio.run(Clamd(daemon, clock=lambda: NOW).probe()) == ""


@pytest.mark.parametrize("option", ["AlertEncrypted", "AlertExceedsMax"])
def test_t70_a_clamd_that_accepts_what_it_cannot_see_is_not_trusted(
    tmp_path: Path, option: str
) -> None:
    with clamd(tmp_path, **{option: ""}) as socket:
        found = asyncio.run(Clamd(socket, clock=lambda: NOW).probe())

    assert f"set {option} yes" in found


def test_the_bytes_for_clamd_are_those_of_the_object(daemon: str, tmp_path: Path) -> None:
    changed = content(tmp_path, b"good")
    changed.path.write_bytes(b"evil")

    with pytest.raises(ChangedError):
        asyncio.run(Clamd(daemon, clock=lambda: NOW).scan(changed))


# Programs that only look like clamd


def against(answer: Answer, do: Callable[[Clamd], Awaitable[Verdict | str]]) -> Verdict | str:
    """Return the result of `do` with a clamd that answers each connection in this way."""

    running = set[asyncio.Task[object] | None]()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.current_task())
        with suppress(OSError, asyncio.CancelledError):
            await answer(reader, writer)
        writer.transport.abort()

    async def main() -> Verdict | str:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            found = await do(Clamd(f"127.0.0.1:{port}", clock=lambda: NOW))
        for task in filter(None, running):
            task.cancel()
        await asyncio.gather(*filter(None, running))
        await asyncio.sleep(0)
        return found

    return asyncio.run(main())


def says(text: bytes) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(text)
        while text.endswith(b"\0") and await reader.read(1 << 20):
            pass
        await writer.drain()

    return answer


async def hangs(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (hangs, "clamd does not answer (TimeoutError)"),
        (says(b""), "clamd does not answer ("),
        (says(b"stream: OK"), "clamd does not answer ("),
        (says(b"x" * 100_000 + b"\0"), "clamd does not answer (EOFError)"),
        (says(b"stream: OK FOUNDING\0"), "clamd answers 'stream: OK FOUNDING'"),
        (says(b"COMMAND READ TIMED OUT\0"), "clamd answers 'COMMAND READ TIMED OUT'"),
    ],
    ids=["hangs", "dies", "half an answer", "no end", "nonsense", "gives up"],
)
def test_r68_an_answer_that_is_none_means_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer, reason: str
) -> None:
    for name in ("SEND_S", "ANSWER_S"):
        monkeypatch.setattr(module, name, 0.1)

    found = against(answer, lambda clamd: clamd.scan(content(tmp_path, NOISE)))

    assert isinstance(found, Verdict)
    assert (found.outcome, found.reason[: len(reason)]) == (Outcome.LATER, reason)


def test_r68_a_clamd_that_is_away_means_later(tmp_path: Path) -> None:
    away = Clamd(str(tmp_path / "absent.ctl"), clock=lambda: NOW)

    found = asyncio.run(away.scan(content(tmp_path, b"")))

    assert found == Verdict(Outcome.LATER, "clamd does not answer (FileNotFoundError)")
    assert asyncio.run(away.probe()) == "clamd does not answer (FileNotFoundError)."


@pytest.mark.parametrize(
    ("version", "complaint"),
    [
        (b"ClamAV 1.4.3/27862/Fri Nov 20 08:26:17 2026\0", "The signatures of clamd are 8 days"),
        (b"ClamAV 1.4.3/27862/Sat Nov 21 12:26:17 2026\0", "clamd does not find the EICAR"),
        (b"ClamAV 1.4.3/27862/yesterday\0", "The signatures of clamd are 999999999 days old."),
        (b"ClamAV 1.4.3\0", "clamd does not find the EICAR test file"),
    ],
)
def test_r68_old_signatures_are_not_trusted(version: bytes, complaint: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command = await reader.readuntil(b"\0")
        writer.write(version if command == b"zVERSION\0" else b"stream: OK\0")
        await reader.read()

    found = against(answer, lambda clamd: clamd.probe())

    assert isinstance(found, str)
    assert found.startswith(complaint)
