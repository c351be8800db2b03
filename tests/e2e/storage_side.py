"""Helpers that inspect the mock OSS: received requests and stored objects."""

import random
from collections.abc import Callable

from playwright.sync_api import Page

from e2e.conftest import operator_bucket
from mock_oss.journal import RequestRecord
from ossferry.cli.demo import Demo

MIB = 1024**2
STEP_MS = 25


def noise(size: int, seed: int = 0) -> bytes:
    """Return pseudo-random bytes without repeated sequences."""
    return random.Random(seed).randbytes(size)


def asked(demo: Demo, operation: str, name: str = "") -> list[RequestRecord]:
    """Return the requests of one operation for the file with this name, in order."""
    return [
        seen
        for seen in demo.oss.requests
        if seen.operation == operation and seen.key.endswith(f"/{name}" if name else "")
    ]


def pending(demo: Demo, name: str = "") -> list[str]:
    """Return the ids of unfinished multipart uploads for the file with this name."""
    found = operator_bucket(demo).list_multipart_uploads().upload_list
    return [upload.upload_id for upload in found if upload.key.endswith(name)]


def parts_there(demo: Demo) -> list[int]:
    """Return the size of each stored part of unfinished uploads, in bytes."""
    bucket = operator_bucket(demo)
    return [
        part.size
        for upload in bucket.list_multipart_uploads().upload_list
        for part in bucket.list_parts(upload.key, upload.upload_id).parts
    ]


def stored(demo: Demo, name: str = "") -> list[str]:
    """Return the keys of the objects with this name."""
    return [key for key in demo.oss.bucket(demo.bucket).objects if key.endswith(name)]


def arrived(demo: Demo, name: str = "") -> list[RequestRecord]:
    """Return the successful part requests of the file with this name, in order."""
    return [seen for seen in asked(demo, "UploadPart", name) if seen.status == 200]


def expect_whole(demo: Demo, name: str, content: bytes) -> None:
    """Check that there is one object for the file, equal to it, and no unfinished upload."""
    (key,) = stored(demo, f"/{name}")
    assert operator_bucket(demo).get_object(key).read() == content
    assert pending(demo, name) == []


def until(page: Page, condition: Callable[[], object], *, timeout_s: float = 15) -> None:
    """Wait until `condition()` is true, while the page runs.

    Raises:
        AssertionError: the condition did not become true in time.
    """
    for _ in range(int(timeout_s * 1000 / STEP_MS)):
        if condition():
            return
        page.wait_for_timeout(STEP_MS)
    raise AssertionError("the condition never held")
