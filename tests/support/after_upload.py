"""Helpers that read the server's list of uploads, and the mock's bucket directly."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from unittest.mock import patch
from urllib.parse import quote, urlsplit

import asyncpg
import httpx
import oss2

from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from mock_oss.control.views import StoredObject
from ossferry.cli.demo import Demo
from ossferry.ledger import Database

PATIENCE_S = 10.0


def become(site: httpx.Client, user: str) -> None:
    assert site.post("/demo/user", json={"user": user}).status_code == 200


def address(key: str, *more: str) -> str:
    return "/".join(["/api/objects", quote(key), *more])


def mine(site: httpx.Client) -> dict[str, dict[str, object]]:
    """Return the signed-in user's uploads, by key."""
    found = site.get("/api/objects", params={"limit": 1000}).json()["objects"]
    return {each["key"]: each for each in found}


def until(true: Callable[[], object]) -> None:
    """Wait until a condition is true, because background tasks need time."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def fetch(demo: Demo, url: str) -> httpx.Response:
    """Fetch a link whose host must be the bucket's own name."""
    assert urlsplit(url).netloc == f"{demo.bucket}.localhost:{demo.oss.port}"
    return fetch_at(demo, url)


def fetch_at(demo: Demo, url: str) -> httpx.Response:
    """Fetch a link like a browser, which resolves `*.localhost` to this machine."""
    parts = urlsplit(url)
    there = url.replace(parts.netloc, f"127.0.0.1:{demo.oss.port}", 1)
    return httpx.get(there, headers={"host": parts.netloc}, trust_env=False)


def trash(demo: Demo) -> list[StoredObject]:
    """Return the objects in the trash."""
    objects = demo.oss.bucket(demo.bucket).objects
    return [objects[key] for key in objects if key.startswith("trash/")]


def operators_bucket(demo: Demo) -> oss2.Bucket:
    """Return the bucket with the operator's credentials."""
    auth = oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    endpoint = f"http://127.0.0.1:{demo.oss.port}"
    return oss2.Bucket(auth, endpoint, demo.bucket, region="cn-hangzhou")


def impatient_ledgers() -> AbstractContextManager[object]:
    """Return a context in which new ledgers wait one second for a lock, not three."""
    return patch.dict(Database.__init__.__kwdefaults__, busy_timeout_s=1.0)


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Lock the ledger for writing while the context is entered."""
    if url.startswith("sqlite"):
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.close()
        return
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(url))
        runner.run(connection.execute("BEGIN; LOCK TABLE receipts IN EXCLUSIVE MODE"))
        yield
        runner.run(connection.close())
