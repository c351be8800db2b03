"""Serves our page from the built assets, with other Python code in place of the uploader.

Used to run the page's unit tests on MicroPython and on Pyodide.
"""

import json
import re
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from support.expecting import expect
from support.serving import serve

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "build" / "web"
"""The built page."""
TIMEOUT_MS = 170_000  # on a busy machine
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


def result_of(code: str, runtime: str, browser: Browser, init: str = "") -> Any:
    """Run Python code in our page, and return the JSON that it puts into `data-result` of the body.

    Args:
        code: see `script`.
        init: JavaScript that runs before the page's own.
    """
    errors: list[str] = []
    with serve(make_app(code)) as url, closing(browser.new_page()) as page:
        page.on("console", lambda message: errors.append(message.text))
        if init:
            page.add_init_script(init)
        page.goto(f"{url}/{runtime}")
        body = page.locator("body")
        try:
            expect(body).to_have_attribute("data-result", re.compile("."), timeout=TIMEOUT_MS)
        except AssertionError as error:
            raise AssertionError("\n".join(errors)) from error
        return json.loads(body.get_attribute("data-result") or "")


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
