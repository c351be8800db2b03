"""Runs a small ASGI application in a thread on a free port."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from ossferry.cli.processes.serving import BackgroundServer, bind


def site(html: str, *routes: BaseRoute) -> Starlette:
    """Return an application whose page `/` has this HTML."""

    async def page(_request: Request) -> Response:
        return HTMLResponse(html)

    return Starlette(routes=[Route("/", page), *routes])


@contextmanager
def serve(app: ASGIApp) -> Iterator[str]:
    """Run the application until the context ends, and yield its address."""
    sock = bind("127.0.0.1", 0, option="port")
    server = BackgroundServer(app, sock)
    server.start()
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.stop()
