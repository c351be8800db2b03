"""Fixtures of the server's unit tests: a minimal built page, settings, a clock and a fake STS."""

import asyncio
import base64
import hashlib
import inspect
import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from ossferry.access.audit import Audit
from ossferry.app import create_app
from ossferry.ledger import Database
from ossferry.settings.loading import ExplicitSettings, load_settings
from ossferry.settings.model import Settings
from support.app_client import app_client
from support.rate_windows import Seconds
from support.server_fakes import (
    NO_KEYS,
    OPTIONS,
    FakeClock,
    FakeStore,
    FakeSts,
    MakeApp,
    MakeClient,
    MakeSettings,
)

BASE_URL = "http://127.0.0.1:8000"
ARGUMENTS = set(inspect.signature(create_app).parameters)

ASSETS = {
    "/assets/app-1a2b/boot.js": ("text/javascript; charset=utf-8", b"let boot = 1;" * 20),
    "/assets/app-1a2b/form.js": ("text/javascript; charset=utf-8", b"let form;"),
    "/assets/app-1a2b/favicon.svg": ("image/svg+xml", b"<svg/>"),
    "/assets/checks-5e6f/checks_worker.js": ("text/javascript; charset=utf-8", b"let worker;"),
    "/assets/checks-5e6f/ossferry_checks.zip": ("application/zip", b"PK library"),
    "/assets/checks-5e6f/openpyxl.zip": ("application/zip", b"PK openpyxl"),
    "/assets/checks-5e6f/pypdf.zip": ("application/zip", b"PK pypdf"),
    "/assets/pyodide-3c4d/pyodide.mjs": ("text/javascript; charset=utf-8", b"export {};"),
    "/assets/pyodide-3c4d/pyodide.asm.wasm": ("application/wasm", b"\0asm" * 200_000),
}


@pytest.fixture
def web_dir(tmp_path: Path) -> Path:
    """A minimal built page."""
    files = {}
    for url, (content_type, content) in ASSETS.items():
        path = tmp_path / url.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.with_name(path.name + ".br").write_bytes(b"br:" + content)
        path.with_name(path.name + ".gz").write_bytes(b"gz:" + content)
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        hashed = {"integrity": f"sha256-{digest}"}
        files[url] = {"type": content_type, "encodings": ["br", "gzip"], **hashed}
    inline = {"script-src": ["sha256-AAAA"], "style-src": ["sha256-BBBB"]}
    manifest = {"files": files, "inline": inline}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "not-in-the-manifest.txt").write_text("secret")
    for runtime in ("micropython", "pyodide"):
        (tmp_path / f"index.{runtime}.html").write_text(f"<html data-runtime={runtime}>")
    return tmp_path


@pytest.fixture
def without_pyodide(web_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Move Pyodide's files away, as in the plain wheel, and return the folder that has them now."""
    manifest = json.loads((web_dir / "manifest.json").read_text())
    manifest["separate"] = {"pyodide": ["/assets/pyodide-3c4d"]}
    (web_dir / "manifest.json").write_text(json.dumps(manifest))
    elsewhere = tmp_path_factory.mktemp("site-packages")
    moved = elsewhere / "ossferry_pyodide" / "assets"
    moved.mkdir(parents=True)
    (web_dir / "assets" / "pyodide-3c4d").rename(moved / "pyodide-3c4d")
    (moved.parent / "__init__.py").touch()
    return elsewhere


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the ledger's tables; copying it is faster than all migrations."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"

    async def create() -> None:
        database = Database(f"sqlite:///{path}")
        async with database.read():
            pass
        await database.close()

    asyncio.run(create())
    return path


@pytest.fixture
def make_settings(web_dir: Path, empty_ledger: Path) -> MakeSettings:
    """Return a function that creates settings like the demo's, with changes."""
    shutil.copy(empty_ledger, web_dir / "ledger.db")

    def make(**changes: object) -> Settings:
        options = {**OPTIONS, "web_dir": web_dir, "database_url": f"sqlite:///{web_dir}/ledger.db"}
        return load_settings(ExplicitSettings, **{**options, **changes})

    return make


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    """A file of API keys without any key."""
    path = tmp_path / "keys.json"
    path.write_text(NO_KEYS)
    return path


@pytest.fixture
def seconds() -> Seconds:
    """A monotonic clock that only the test moves."""
    return Seconds()


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    """Settings like the demo's."""
    return make_settings()


@pytest.fixture
def clock() -> FakeClock:
    """A clock at 2026-03-14T09:26:53.123456Z."""
    return FakeClock()


@pytest.fixture
def sts(clock: FakeClock) -> FakeSts:
    """An STS that succeeds unless a test changes it."""
    return FakeSts(clock)


@pytest.fixture
def audit_lines() -> list[dict[str, str]]:
    """The recorded lines of the audit trail."""
    return []


@pytest.fixture
def store() -> FakeStore:
    """A bucket in memory."""
    return FakeStore()


@pytest.fixture
def make_app(
    make_settings: MakeSettings,
    sts: FakeSts,
    clock: FakeClock,
    store: FakeStore,
    audit_lines: list[dict[str, str]],
) -> MakeApp:
    """Return a function that creates a server with these settings.

    Names of arguments of `create_app` are no settings, but replace the fakes.
    """

    def make(**changes: object) -> Starlette:
        given = {name: changes.pop(name) for name in ARGUMENTS & changes.keys()}
        settings = make_settings(**changes)
        parts: dict[str, object] = {
            "assume_role": sts,
            "audit": Audit(settings, clock=clock, sink=audit_lines.append),
            "clock": clock,
            "store": store if settings.objects_role_arn is not None else None,
        }
        return create_app(settings, **{**parts, **given})  # type: ignore[arg-type] # as tests say

    return make


@pytest.fixture
def make_client(make_app: MakeApp) -> Iterator[MakeClient]:
    """Return a function that creates a client of a server, like `make_app`.

    Clients that a test leaves open are closed after it.
    """
    with ExitStack() as made:

        def make(*, base_url: str = BASE_URL, **changes: object) -> httpx.Client:
            client = app_client(make_app(**changes), base_url)
            made.callback(client.close)
            return client

        yield make


@pytest.fixture
def client(make_client: MakeClient, store: FakeStore) -> httpx.Client:
    """A client of the whole application."""
    return make_client(store=store)
