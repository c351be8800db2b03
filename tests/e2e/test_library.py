"""The uploader as a library, in pages of another site that Python drives."""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zipfile import ZipFile

import httpx
import pytest
from playwright.sync_api import Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from e2e.conftest import Console, carols_key, operator_bucket
from e2e.storage_side import asked, pending, until
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.notebook import build_site, write_notebook
from support.serving import serve
from support.wheels import build_library

pytestmark = pytest.mark.e2e

NODE_MODULES = Path(__file__).parents[2] / "web" / "node_modules"
GUIDE = Path(__file__).parents[2] / "docs" / "uploader-library.md"
SCRIPT = "ossferry_uploader.js"
START_MS = 60_000

JS_DATA = """
globalThis.blob = new Blob(["a blob"]);
globalThis.file = new File(["a file"], "other.txt");
globalThis.buffer = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]).buffer;
globalThis.files = [new File(["1"], "one.txt"), new File(["22"], "two.txt")];
globalThis.big = new Blob([new Uint8Array(30_000_000)]);
globalThis.words = new Uint16Array(globalThis.buffer, 2, 2);
"""
IN_PAGE = f"""{JS_DATA}
globalThis.report = (text) => (document.body.dataset.found = text);
addEventListener("error", ({{ message }}) => report(JSON.stringify({{ error: message }})));
"""
IN_WORKER = f"{JS_DATA} globalThis.report = (text) => postMessage(text);"
START_WORKER = """
const worker = new Worker("code.js", { type: "module" });
worker.onmessage = ({ data }) => (document.body.dataset.found = data);
worker.onerror = ({ message }) => (document.body.dataset.found = message);
"""


def sample(language: str) -> str:
    """Return the sample of the guide in a language."""
    (found,) = re.findall(rf"```{language}\n(.+?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    return str(found)


class Site:
    """A site that is not the server's: it serves pages, the interpreters and the wheel."""

    def __init__(self, wheel: Path) -> None:
        self.wheel = wheel
        self.page = ""
        self.script = ""
        self.policy = ""
        self.token = ""
        self.url = ""

    def app(self) -> Starlette:
        async def page(_request: Request) -> Response:
            return HTMLResponse(
                f"<!DOCTYPE html><title>Another site</title><link rel=icon href=data:,>"
                f"<body>{self.page}</body>",
                headers={"content-security-policy": self.policy} if self.policy else None,
            )

        async def script(_request: Request) -> Response:
            return Response(self.script, media_type="text/javascript")

        async def token(_request: Request) -> Response:
            return PlainTextResponse(self.token)

        async def library(_request: Request) -> Response:
            with ZipFile(self.wheel) as files:
                text = files.read(f"ossferry_uploader/{SCRIPT}")
            return Response(text, media_type="text/javascript")

        async def wheel(_request: Request) -> Response:
            return FileResponse(self.wheel)

        folders = {
            "pyodide": NODE_MODULES / "pyodide",
            "pyscript": NODE_MODULES / "@pyscript/core/dist",
            "micropython": NODE_MODULES / "@micropython/micropython-webassembly-pyscript",
        }
        return Starlette(
            routes=[
                Route("/", page),
                Route("/code.js", script),
                Route("/main.py", script),
                Route("/my/token", token),
                Route(f"/{SCRIPT}", library),
                Route(f"/{self.wheel.name}", wheel),
                *(Mount(f"/{name}", StaticFiles(directory=path)) for name, path in folders.items()),
            ]
        )

    def in_page(self, code: str) -> None:
        self.page = f'<script type="module">{self._plain(code, IN_PAGE)}</script>'

    def in_worker(self, code: str) -> None:
        self.page = f"<script>{START_WORKER}</script>"
        self.script = self._plain(code, IN_WORKER)

    def in_pyscript(self, code: str, runtime: str) -> None:
        html = sample("html")
        if runtime == "pyodide":  # as the guide says
            html = html.replace("micropython/micropython", "pyodide/pyodide")
            html = html.replace('type="mpy"', 'type="py"')
        self.page = f"<script>{IN_PAGE}</script>{html}"
        self.script = code

    def _plain(self, code: str, report: str) -> str:
        """Return the script of the guide, with this code."""
        return f"{report}\nconst code = {json.dumps(code)};\n{sample('js')}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def site(wheel: Path) -> Iterator[Site]:
    made = Site(wheel)
    with serve(made.app()) as url:
        made.url = url
        yield made


@pytest.fixture
def key(tmp_path: Path) -> str:
    return carols_key(tmp_path)


@pytest.fixture
def server(site: Site, key: str, tmp_path: Path) -> Iterator[Demo]:
    """A server that knows the API key and the other site."""
    keys = tmp_path / "keys.json"
    with Demo(auth="apikey", api_keys_file=keys, cors_origins=(site.url,)) as demo:
        yield demo


HEAD = """
import asyncio
import json
import js
from ossferry_uploader import REFUSE, Options, UploadCancelled, connect


def found(document):
    js.report(json.dumps(document))
"""
EVERYWHERE = (
    HEAD
    + """
from io import BytesIO


class Numbers:
    def __init__(self):
        self.left = 3

    def __aiter__(self):
        return self

    async def __anext__(self):
        await asyncio.sleep(0)
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return bytes([self.left]) * 1_000_000


async def all_kinds():
    uploads = await connect("SERVER", token="KEY")
    kinds = {
        "bytes": b"\\x00\\xff" * 8_500_000,
        "bytearray": bytearray(b"array"),
        "memoryview": memoryview(b"a view of this")[2:6],
        "empty": b"",
        "reader": BytesIO(b"from an open file"),
        "iterator": Numbers(),
        "blob": js.blob,
        "file": js.file,
        "buffer": js.buffer,
        "words": js.words,
        "stream": js.blob.stream(),
    }
    done = {}
    for name in kinds:
        stored = await uploads.put(name, kinds[name], path="kinds")
        done[name] = [stored.key, stored.crc64, stored.size, stored.url]
    await uploads.close()
    return done


done = await all_kinds()
"""
)
SENT = {
    "bytes": b"\0\xff" * 8_500_000,  # above MicroPython's limit for the start of a view, 16 MiB
    "bytearray": b"array",
    "memoryview": b"view",
    "empty": b"",
    "reader": b"from an open file",
    "iterator": b"\2" * 1_000_000 + b"\1" * 1_000_000 + b"\0" * 1_000_000,
    "blob": b"a blob",
    "file": b"a file",
    "buffer": bytes(range(8)),
    "words": bytes(range(2, 6)),
    "stream": b"a blob",
}
"""The bytes of each kind of data."""


def run(site: Site, server: Demo, key: str, page: Page, code: str, where: str) -> Any:
    """Run Python in a page of the other site, and return what it reports."""
    text = code.replace("SERVER", server.url).replace("KEY", key)
    if where == "plain page":
        site.in_page(text)
    elif where == "plain worker":
        site.in_worker(text)
    else:
        site.in_pyscript(text, where)
    return report(page, site.url)


def report(page: Page, url: str) -> Any:
    """Open a page, and return what the Python code there reports."""
    page.goto(url)
    body = page.locator("body")
    expect(body).to_have_attribute("data-found", re.compile("."), timeout=START_MS)
    return json.loads(body.get_attribute("data-found") or "")


PLACES = ["plain page", "plain worker", "micropython", "pyodide"]


def in_places(*fast: str) -> pytest.MarkDecorator:
    """Return the parameter `where` of a test; `make test` runs it only in these places."""
    return pytest.mark.parametrize(
        "where",
        [pytest.param(each, marks=() if each in fast else pytest.mark.slow) for each in PLACES],
    )


ERRORS = """
from ossferry_uploader.transfer.errors import GrantRefused

seen = []
for server, token in (("SERVER", "wrong"), ("http://127.0.0.1:1", "KEY")):
    try:
        await connect(server, token=token)
    except GrantRefused as error:
        seen.append(error.status)
uploads = await connect("SERVER", token="KEY")
for data in ("text", 7, js.JSON):
    try:
        await uploads.put("a.txt", data)
    except TypeError as error:
        seen.append(str(error))


class Broken:
    def __aiter__(self):
        return self

    async def __anext__(self):
        raise KeyError("gone")


try:
    await uploads.put("a.txt", Broken())
except Exception as error:
    seen.append(type(error).__name__)
task = asyncio.create_task(uploads.put("cancelled.bin", js.big))
while not [upload for upload in uploads.queue.uploads if upload.sent]:
    await asyncio.sleep(0.01)
task.cancel()
try:
    await task
except asyncio.CancelledError:
    seen.append("CancelledError")
stopped = asyncio.create_task(uploads.put("stopped.bin", js.big))
await asyncio.sleep(0.01)
uploads.queue.cancel_all()
try:
    await stopped
except UploadCancelled as error:
    seen.append(str(error))
while [upload for upload in uploads.queue.uploads if upload.file.name == "cancelled.bin"]:
    await asyncio.sleep(0.01)
found([done, seen])
"""


@in_places("micropython")  # the strict page and the guide's examples start Pyodide
def test_every_kind_of_data_arrives_and_errors_say_what_to_do(
    site: Site, server: Demo, key: str, page: Page, console: Console, where: str
) -> None:
    console.expected += ["401", "404", "ERR_UNSAFE_PORT|ERR_CONNECTION_REFUSED"]

    done, seen = run(site, server, key, page, EVERYWHERE + ERRORS, where)

    objects = server.oss.bucket(server.bucket).objects
    assert {name: objects[key].data for name, (key, *_) in done.items()} == SENT
    for name, (key, crc64, size, url) in done.items():
        assert key.endswith(f"/kinds/{name}")
        assert (crc64, size) == (str(objects[key].crc64), len(SENT[name]))
        assert url == f"http://{server.bucket}.localhost:{server.oss.port}/{key}"
    signed_out, away, text, number, script, broken, *cancelled = seen
    assert (signed_out, away) == (401, 0)
    assert text == "'a.txt' is text; upload text.encode(), or a pathlib.Path for a file"
    assert number.startswith("'a.txt' is a int; upload bytes, a file that is open")
    assert script.startswith("'a.txt' is a JsProxy; upload bytes, a file that is open")
    assert broken == "StreamSpent"
    assert cancelled == ["CancelledError", "stopped.bin was cancelled"]
    until(page, lambda: not pending(server))
    assert len(objects) == len(SENT)  # a cancelled upload leaves nothing


LARGE = (
    HEAD
    + """
from pathlib import Path

path = Path("table.bin")
path.write_bytes(bytes(range(250)) * 80_000)
seen = []
uploads = await connect("SERVER", token="KEY")
done = await uploads.put(
    path.name, path, Options(sha256=True), on_progress=lambda upload: seen.append(upload.sent)
)
found([done.key, len(seen) > 2, max(seen), len(uploads.queue.uploads)])
"""
)


@pytest.mark.slow  # starts Pyodide
@pytest.mark.parametrize("where", ["plain worker", "plain page"])
def test_a_large_file_of_pyodides_file_system_is_sent_in_parts(
    site: Site, server: Demo, key: str, page: Page, console: Console, where: str
) -> None:
    sent = bytes(range(250)) * 80_000

    stored, has_progress, most, left = run(site, server, key, page, LARGE, where)

    assert (has_progress, most, left) == (True, len(sent), 0)
    assert server.oss.bucket(server.bucket).objects[stored].data == sent
    headers = operator_bucket(server).head_object(stored).headers
    assert headers["x-oss-meta-sha256"] == hashlib.sha256(sent).hexdigest()
    assert len(asked(server, "UploadPart", "table.bin")) > 2


SEVERAL = (
    HEAD
    + """
tokens = []


async def token():
    await asyncio.sleep(0)
    tokens.append(1)
    return "KEY"


uploads = await connect("SERVER/", token=token)
steps = []
files = [("a.txt", b"first"), ("b.txt", b"x" * 2000), ("c.txt", b"")]
async for progress in uploads.put_all(files):
    steps.append([progress.files, progress.done, progress.failed, progress.sent, progress.size])
results = [
    each.key if hasattr(each, "key") else type(each).__name__ for each in progress.results
]
kept = [upload.file.name for upload in uploads.queue.uploads]
async for last in uploads.put_all(js.files):
    pass
await uploads.close()
found([steps[0], steps[-1], results, kept, [each.name for each in last.results], len(tokens)])
"""
)


@in_places("micropython")  # the guide's examples do this on Pyodide
def test_several_files_report_their_progress_and_each_result(
    site: Site, server: Demo, key: str, page: Page, console: Console, where: str
) -> None:
    with Demo(
        auth="apikey",
        api_keys_file=server.settings.api_keys_file,
        cors_origins=(site.url,),
        max_file_size=1000,
    ) as strict:
        first, last, results, kept, names, tokens = run(site, strict, key, page, SEVERAL, where)
        listed = httpx.get(
            f"{strict.url}/api/objects", headers={"authorization": f"Bearer {key}"}
        ).json()

    assert first[0] == 3
    assert last == [3, 2, 1, 5, 2005]
    assert [each.rpartition("/")[2] for each in results] == ["a.txt", "FileTooLarge", "c.txt"]
    assert (kept, names) == (["b.txt"], ["one.txt", "two.txt"])
    assert tokens > 1
    assert {each["name"] for each in listed["objects"]} == {"a.txt", "c.txt", "one.txt", "two.txt"}


FIRST = (
    HEAD
    + """
uploads = await connect("SERVER", token="KEY")
found((await uploads.put("notes.txt", b"all is well")).key)
"""
)


@pytest.mark.parametrize("has_tag", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_page_with_a_strict_policy_loads_the_script_with_a_tag(
    site: Site, server: Demo, key: str, page: Page, console: Console, has_tag: bool
) -> None:
    if not has_tag:
        console.expected.append("unsafe-eval|blocked by CSP")
    site.in_page(FIRST.replace("SERVER", server.url).replace("KEY", key))
    site.script = site.page.removeprefix('<script type="module">').removesuffix("</script>")
    site.policy = (
        f"default-src 'none'; script-src 'self' 'wasm-unsafe-eval' blob:; worker-src blob:;"
        f" img-src data:; connect-src 'self' blob: {server.url}"
        f" http://{server.bucket}.localhost:{server.oss.port}"
    )

    tag = f'<script src="/{SCRIPT}"></script>' if has_tag else ""
    site.page = f'{tag}<script type="module" src="/code.js"></script>'
    found = report(page, site.url)

    assert found.endswith("/notes.txt") if has_tag else "EvalError" in found["error"]


@pytest.mark.pyodide
def test_the_examples_of_the_guide_run(
    site: Site, server: Demo, key: str, page: Page, console: Console, runtime: str
) -> None:
    """Its other samples are in the pages of all tests here."""
    examples = re.findall(r"```python\n(.+?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    code = "\n".join(["import js", *examples, "js.report(str(progress.done))"])
    site.token = key
    code = code.replace("https://uploads.example", server.url).replace('"..."', f'"{key}"')

    assert len(examples) == 3
    assert run(site, server, key, page, code, runtime) == 2
    keys = server.oss.bucket(server.bucket).objects
    assert sorted(each.rpartition("/")[2] for each in keys) == ["a.txt", "b.txt", "report.csv"]


class Application(Demo):
    """A demo whose server is mounted in an application that has a page of its own."""

    def __init__(self, pages: Starlette) -> None:
        super().__init__()
        self._pages = pages

    def _make_app(self) -> ASGIApp:
        server = super()._make_app()
        assert isinstance(server, Starlette)

        @asynccontextmanager
        async def lifespan(_app: Starlette) -> AsyncIterator[None]:
            async with server.router.lifespan_context(server):
                yield

        routes = [Mount("/mine", self._pages), Mount("/", server)]
        return Starlette(routes=routes, lifespan=lifespan)


def test_without_a_token_the_cookie_of_the_page_identifies_the_person(
    wheel: Path, page: Page, console: Console, runtime: str
) -> None:
    site = Site(wheel)
    site.in_pyscript(FIRST.replace('"SERVER", token="KEY"', ""), runtime)
    with Application(site.app()) as demo:
        page.goto(f"{demo.url}/form")  # gives the cookie
        key = report(page, f"{demo.url}/mine/")

        assert key.startswith("uploads/alice-")
        assert demo.oss.bucket(demo.bucket).objects[key].data == b"all is well"


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_notebook_uploads_a_table_that_it_has_made(
    wheel: Path, key: str, page: Page, tmp_path: Path
) -> None:
    """JupyterLite and its kernel come from this machine; no other server is asked."""
    folder = build_site(tmp_path, wheel)
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    app = Starlette(routes=[Mount("/", StaticFiles(directory=folder, html=True))])
    with (
        serve(app) as url,
        Demo(auth="apikey", api_keys_file=tmp_path / "keys.json", cors_origins=(url,)) as demo,
    ):
        cell = sample("ipython").replace("https://uploads.example", demo.url)
        write_notebook(folder, "table.ipynb", cell.replace('"..."', f'"{key}"'))
        page.goto(f"{url}/notebooks/index.html?path=table.ipynb")
        page.locator(".jp-CodeCell .cm-content").click(timeout=START_MS)
        page.keyboard.press("Shift+Enter")

        output = page.locator(".jp-OutputArea-output", has_text="Done(key=")
        expect(output).to_be_visible(timeout=120_000)
        stored = {k: each.data for k, each in demo.oss.bucket(demo.bucket).objects.items()}

    assert list(stored.values()) == [b"day,sold\r\n1,7\r\n2,9\r\n"]
    assert next(iter(stored)) in output.inner_text()
    hosts = {urlsplit(each).hostname for each in asked if each.startswith("http")}
    assert hosts == {"127.0.0.1", f"{demo.bucket}.localhost"}
