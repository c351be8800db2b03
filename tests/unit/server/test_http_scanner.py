"""The protocol of scanners over HTTP, and answers that do not follow it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest
from fastcrc import crc64
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ossferry.scanning import http_scanner as module
from ossferry.scanning.http_scanner import HttpScanner
from ossferry.scanning.verdict import ChangedError, Content, Outcome, Verdict

DATA = bytes(range(256)) * 2000
Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


def scan(handler: Handler, folder: Path, *, crc: int | None = None) -> tuple[Verdict, str]:
    """Return the verdict on a file, and the complaint of the probe."""
    path = folder / "content"
    path.write_bytes(DATA)
    content = Content(
        path=path,
        name="größe.bin",
        size=len(DATA),
        crc64=str(crc64.xz(DATA) if crc is None else crc),
    )

    async def main() -> tuple[Verdict, str]:
        app = Starlette(routes=[Route("/scan", handler, methods=["POST"])])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            scanner = HttpScanner("http://scanner/scan", client)
            return await scanner.scan(content), await scanner.probe()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ({"verdict": "clean"}, Verdict(Outcome.CLEAN)),
        ({"verdict": "bad", "reason": "It is forged."}, Verdict(Outcome.BAD, "It is forged.")),
        ({"verdict": "bad"}, Verdict(Outcome.BAD, "The scanner has found something.")),
        (
            {"verdict": "unscannable", "more": 1},
            Verdict(Outcome.UNSCANNABLE, "The scanner cannot look into it."),
        ),
    ],
)
def test_a_scanner_gets_the_file_and_decides(
    tmp_path: Path, answer: dict[str, object], verdict: Verdict
) -> None:
    seen: list[tuple[bytes, dict[str, str]]] = []

    async def handler(request: Request) -> Response:
        seen.append((await request.body(), dict(request.headers)))
        return JSONResponse(answer)

    assert scan(handler, tmp_path) == (verdict, "")
    (body, headers), (nothing, _) = seen
    assert (body == DATA, nothing) == (True, b"")
    assert headers["content-length"] == str(len(DATA))
    assert headers["x-ossferry-name"] == "gr%C3%B6%C3%9Fe.bin"
    assert headers["x-ossferry-crc64"] == str(crc64.xz(DATA))


async def slow(_request: Request) -> Response:
    await asyncio.sleep(60)
    raise AssertionError


def always(response: Response) -> Handler:
    async def handler(request: Request) -> Response:
        await request.body()
        return response

    return handler


@pytest.mark.parametrize(
    ("handler", "why"),
    [
        (always(JSONResponse({"verdict": "fine"})), "answers with something else"),
        (always(JSONResponse({"verdict": "bad", "reason": 7})), "answers with something else"),
        (always(JSONResponse(["clean"])), "answers with something else"),
        (always(PlainTextResponse("clean")), "answers with something else"),
        (always(PlainTextResponse('"' + "x" * 70_000 + '"')), "answers with more than 64 KiB"),
        (always(JSONResponse({"verdict": "clean"}, 500)), "answers with status 500"),
        (always(RedirectResponse("/clean")), "answers with status 307"),
        (slow, "does not answer (TimeoutError)"),
    ],
)
def test_r68_nonsense_means_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, handler: Handler, why: str
) -> None:
    monkeypatch.setattr(module, "LONGEST_S", 0.2)

    verdict, complaint = scan(handler, tmp_path)

    assert verdict.outcome is Outcome.LATER
    assert verdict.reason.startswith(f"OSSFERRY_SCANNER_URL {why}")
    assert complaint.startswith(f"OSSFERRY_SCANNER_URL {why}")


def test_the_bytes_are_those_of_the_object(tmp_path: Path) -> None:
    with pytest.raises(ChangedError):
        scan(always(JSONResponse({"verdict": "clean"})), tmp_path, crc=1)
