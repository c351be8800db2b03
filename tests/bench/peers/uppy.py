"""A page with Uppy's Dashboard and no uploader, so that only its list is measured."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from bench.peers.npm import install
from support.serving import serve

__all__ = ["bundle", "serve_page"]

HERE = Path(__file__).parent
BUNDLE_TIMEOUT_S = 60

PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Uppy</title><link rel="stylesheet" href="/uppy.css"></head>
<body><main id="uppy"></main><script src="/uppy.js"></script></body>
</html>
"""


def bundle(entry: str) -> bytes:
    """Return a script and the packages that it imports as one classic script."""
    return subprocess.run(  # noqa: S603 - fixed words
        [
            f"{HERE}/node_modules/.bin/esbuild",
            entry,
            "--bundle",
            "--minify",
            "--format=iife",
            "--log-level=error",
        ],
        check=True,
        stdout=subprocess.PIPE,
        cwd=HERE,
        timeout=BUNDLE_TIMEOUT_S,
    ).stdout


@contextmanager
def serve_page() -> Iterator[str]:
    """Bundle and serve the page, and yield its URL."""
    install(HERE)
    styles = HERE / "node_modules/@uppy/dashboard/dist/style.min.css"
    content = bundle("uppy_entry.js")

    async def page(_request: Request) -> Response:
        return HTMLResponse(PAGE)

    async def script(_request: Request) -> Response:
        return Response(content, media_type="text/javascript")

    async def css(_request: Request) -> Response:
        return FileResponse(styles, media_type="text/css")

    routes = [Route("/", page), Route("/uppy.js", script), Route("/uppy.css", css)]
    with serve(Starlette(routes=routes)) as url:
        yield url
