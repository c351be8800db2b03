"""Multipart uploads compared with a model: steps in any order, with crashes in between.

A crash is simulated by opening a new mock on a copy of the data directory as it is at that moment,
like after the process was killed.
"""

import http.client
import os
import shutil
import tempfile
from collections.abc import Mapping
from hashlib import md5
from pathlib import Path
from xml.etree import ElementTree as ET

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from contract.mock_oss.clients import signed_headers
from mock_oss import BUCKET, MockOSS
from support.random_examples import SAME, some_and_many

KEYS = st.sampled_from(["a", "b/ü", "b/z"])
NUMBERS = st.sampled_from([1, 2, 3, 9_999, 10_000])
SIZES = st.sampled_from([0, 5, 102_399, 102_400, 70_000])
MIN_PART = 102_400


def content(seed: int, size: int) -> bytes:
    return bytes([seed % 251]) * size


def etag(data: bytes) -> str:
    return md5(data).hexdigest().upper()  # noqa: S324 - the API uses MD5


class Multipart(RuleBasedStateMachine):
    """The model: objects by key, and for each upload id its key and its parts by number."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="mock-oss-model-"))
        self.lives = 0
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, tuple[str, dict[int, bytes]]] = {}
        self.seed = 0
        self.unfinished: list[http.client.HTTPConnection] = []

    @initialize()
    def begin(self) -> None:
        """Start the first mock."""
        self._open(self.root / "0")

    def _open(self, directory: Path) -> None:
        self.oss = MockOSS(data_dir=directory).__enter__()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.oss.port, timeout=120)

    def teardown(self) -> None:
        """Stop the mock and delete its files."""
        if hasattr(self, "oss"):
            self._close()
        shutil.rmtree(self.root)

    def _close(self) -> None:
        for connection in (self.connection, *self.unfinished):
            connection.close()
        self.unfinished.clear()
        self.oss.__exit__(None, None, None)

    def _send(
        self, method: str, key: str, query: Mapping[str, str] | None = None, body: bytes = b""
    ) -> tuple[int, bytes]:
        target, headers = signed_headers(self.oss, method, key, query=query)
        self.connection.request(method, target, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def _pick(self, index: int) -> str | None:
        ids = sorted(self.uploads)
        return ids[index % len(ids)] if ids else None

    def _fresh(self, size: int) -> bytes:
        self.seed += 1
        return content(self.seed, size)

    @rule(key=KEYS, size=SIZES)
    def put_object(self, key: str, size: int) -> None:
        """Store a plain object between the steps of uploads."""
        data = self._fresh(size)

        status, _ = self._send("PUT", key, body=data)

        assert status == 200
        self.objects[key] = data

    @rule(key=KEYS)
    def initiate(self, key: str) -> None:
        """Start an upload."""
        status, body = self._send("POST", key, {"uploads": ""})

        assert status == 200
        upload_id = ET.fromstring(body).findtext("UploadId", "")  # noqa: S314 - from our own mock
        assert upload_id not in self.uploads
        self.uploads[upload_id] = (key, {})

    @rule(index=st.integers(0, 9), number=NUMBERS, size=SIZES)
    def upload_part(self, index: int, number: int, size: int) -> None:
        """Upload a part, possibly replacing an earlier one."""
        upload_id = self._pick(index)
        if upload_id is None:
            return
        key, parts = self.uploads[upload_id]
        data = self._fresh(size)

        status, _ = self._send("PUT", key, {"uploadId": upload_id, "partNumber": str(number)}, data)

        assert status == 200
        parts[number] = data

    @rule(index=st.integers(0, 9), keep=st.sets(NUMBERS), wrong=st.booleans())
    def complete(self, index: int, keep: set[int], wrong: bool) -> None:
        """Complete an upload with some of the parts; a refused request must change nothing."""
        upload_id = self._pick(index)
        if upload_id is None:
            return
        key, parts = self.uploads[upload_id]
        chosen = [(n, parts[n]) for n in sorted(keep & parts.keys())]
        told = {n: "0" * 32 if wrong else etag(data) for n, data in chosen}
        listed = "".join(
            f"<Part><PartNumber>{n}</PartNumber><ETag>{tag}</ETag></Part>"
            for n, tag in told.items()
        )
        body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()

        status, _ = self._send("POST", key, {"uploadId": upload_id}, body)

        fits = all(len(data) >= MIN_PART for _, data in chosen[:-1])
        assert status == (200 if chosen and not wrong and fits else 400)
        if status == 200:
            del self.uploads[upload_id]
            self.objects[key] = b"".join(data for _, data in chosen)

    @rule(index=st.integers(0, 9))
    def abort(self, index: int) -> None:
        """Abort an upload; its id becomes invalid."""
        upload_id = self._pick(index)
        if upload_id is None:
            return
        key, _ = self.uploads.pop(upload_id)

        assert self._send("DELETE", key, {"uploadId": upload_id})[0] == 204
        assert self._send("DELETE", key, {"uploadId": upload_id})[0] == 404

    @rule(index=st.integers(0, 9))
    def list_parts(self, index: int) -> None:
        """Check that the list contains each part once, in order."""
        upload_id = self._pick(index)
        if upload_id is None:
            return
        key, parts = self.uploads[upload_id]

        status, body = self._send("GET", key, {"uploadId": upload_id})

        assert status == 200
        listed = [
            (int(part.findtext("PartNumber", "")), part.findtext("ETag"), part.findtext("Size"))
            for part in ET.fromstring(body).iter("Part")  # noqa: S314 - from our own mock
        ]
        assert listed == [
            (number, f'"{etag(data)}"', str(len(data))) for number, data in sorted(parts.items())
        ]

    @rule()
    def list_uploads(self) -> None:
        """Check that the list contains each upload once, sorted by key and id."""
        status, body = self._send("GET", "", {"uploads": ""})

        assert status == 200
        listed = [
            (upload.findtext("Key"), upload.findtext("UploadId"))
            for upload in ET.fromstring(body).iter("Upload")  # noqa: S314 - from our own mock
        ]
        assert listed == sorted((key, upload_id) for upload_id, (key, _) in self.uploads.items())

    @rule(index=st.integers(0, 9), key=KEYS, as_part=st.booleans())
    def begin_a_body(self, index: int, key: str, as_part: bool) -> None:
        """Send half a body and disconnect; the mock must never show any of it."""
        query = None
        upload_id = self._pick(index)
        if as_part and upload_id is not None:
            key, query = self.uploads[upload_id][0], {"uploadId": upload_id, "partNumber": "1"}
        target, headers = signed_headers(self.oss, "PUT", key, query=query)
        connection = http.client.HTTPConnection("127.0.0.1", self.oss.port, timeout=20)
        connection.putrequest("PUT", target)
        for name, value in {**headers, "Content-Length": "200000"}.items():
            connection.putheader(name, value)
        connection.endheaders(b"h" * 100_000)
        self.unfinished.append(connection)

    @rule()
    def crash(self) -> None:
        """Simulate a crash: stop the mock, and start a new one with a copy of its files."""
        self.lives += 1
        left, found = self.oss.store.directory, self.root / str(self.lives)
        shutil.copytree(left, found, copy_function=_copy)
        self._close()

        self._open(found)

        used = {
            segment.blob
            for view in self.oss.bucket(BUCKET).uploads
            for part in self.oss.store.uploads.parts(view)
            for segment in part.segments
        }
        for record in self.oss.store.objects.page(BUCKET):
            used |= {segment.blob for segment in record.segments}
        assert self.oss.store.blobs.names() == used

    @invariant()
    def objects_are_those_of_the_model(self) -> None:
        """Check that exactly the acknowledged objects exist."""
        if hasattr(self, "oss"):
            stored = self.oss.bucket(BUCKET).objects
            assert {key: found.data for key, found in stored.items()} == self.objects


def _copy(source: str, target: str) -> str:
    """Copy a file; blobs never change, so a hard link replaces the copy."""
    if "/blobs/" not in source:
        return shutil.copy2(source, target)
    os.link(source, target)
    return target


@some_and_many(20, 2000, timeout_s=3600)
def test_any_order_of_steps_and_crashes_keeps_what_was_answered(examples: int) -> None:
    run_state_machine_as_test(
        Multipart, settings=settings(SAME, max_examples=examples, stateful_step_count=50)
    )
