"""Serves our page from the built assets, with other Python code in place of the uploader.

Used to run the page's unit tests on MicroPython and on Pyodide.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

__all__ = ["BUILT", "PYTHON", "make_app", "script"]

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "build" / "web"
"""The built page."""
PACKAGES = ("ossferry_uploader", "upload_page")
PYTHON = [
    (path.relative_to(ROOT / "web").as_posix(), path)
    for package in PACKAGES
    for path in sorted((ROOT / "web" / package).rglob("*.py"))
]
"""All modules of the page and of the library, as `(name in the interpreter, source)`."""


def script(files: Iterable[tuple[str, Path]], then: str) -> str:
    """Return Python code that writes `files` (name in the interpreter, source) and then runs
    `then`.
    """
    content = [[name, path.read_text("utf-8")] for name, path in files]
    return f"""import os
for path, text in {json.dumps(content, ensure_ascii=False)}:
    folder = ""
    for name in path.split("/")[:-1]:
        folder += name
        try:
            os.mkdir(folder)
        except OSError:
            pass
        folder += "/"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
{then}
"""


def make_app(code: str) -> Starlette:
    """Return an application that serves `/<runtime>`: our page, running `code`."""

    async def page(request: Request) -> Response:
        built = BUILT / f"index.{request.path_params['runtime']}.html"
        text = re.sub(r'src="[^"]+/uploader\.py"', 'src="/code.py"', built.read_text("utf-8"))
        return HTMLResponse(text)

    async def source(_request: Request) -> Response:
        return Response(code, media_type="text/x-python")

    return Starlette(
        routes=[
            Route("/code.py", source),
            Mount("/assets", StaticFiles(directory=BUILT / "assets")),
            Route("/{runtime}", page),
        ]
    )
