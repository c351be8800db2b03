"""Fakes of the ports of `ossferry`: a clock, STS and a bucket; and options for its settings."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import urlencode

import httpx
from starlette.applications import Starlette

from ossferry.authentication.demo import DEMO_USERS
from ossferry.clock import utc_now
from ossferry.errors import KeyTakenError
from ossferry.identity.owner import owner_of
from ossferry.oss.objects import Begun, Link, Listed, Part, Stored
from ossferry.oss.sts import StsCredentials
from ossferry.settings.model import Settings

MakeSettings: TypeAlias = Callable[..., Settings]
"""Creates settings like the demo's, with changes."""

MakeApp: TypeAlias = Callable[..., Starlette]
"""Creates a server with such settings."""

MakeClient: TypeAlias = Callable[..., httpx.Client]
"""Creates a client of a server with such settings."""

OPTIONS: dict[str, object] = {
    "bucket": "web-direct-upload",
    "region": "cn-hangzhou",
    "endpoint": "http://localhost:9000",
    "sts_endpoint": "http://127.0.0.1:9",  # nobody listens there, as a mock does at port 9000
    "role_arn": "acs:ram::1000000000000000:role/oss-web-upload",
    "secret": "a-text-of-more-than-32-characters",
    "allow_mock": True,
}

NO_KEYS = '{"version": 1, "keys": []}'
"""A file of API keys without any key."""

SECRET = str(OPTIONS["secret"]).encode()
ALICE, BOB = (owner_of(DEMO_USERS[name], secret=SECRET) for name in ("alice", "bob"))
"""The users of the demo."""

OBJECTS: dict[str, object] = {"objects_role_arn": "acs:ram::1000000000000000:role/oss-web-objects"}
"""The setting that gives the server access to objects."""


class FakeClock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 14, 9, 26, 53, 123_456, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def catch_up(self) -> None:
        """Set the clock to the real time, for tests with a component that uses real time."""
        self.now = utc_now()

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class FakeSts:
    """Answers AssumeRole from memory; raises `error` instead if it is set.

    `lives_s` are the lifetimes of the credentials in seconds, one per call; the last one is
    repeated.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.calls: list[dict[str, str]] = []
        self.error: Exception | None = None
        self.lives_s = [900]
        self._clock = clock

    async def __call__(self, *, session_name: str, policy: str) -> StsCredentials:
        self.calls.append({"session_name": session_name, "policy": policy})
        if self.error is not None:
            raise self.error
        life_s = self.lives_s.pop(0) if len(self.lives_s) > 1 else self.lives_s[0]
        return StsCredentials(
            access_key_id=f"STS.Fake{len(self.calls):04}",
            access_key_secret="fake-access-key-secret",
            security_token="fake-security-token",
            expires_at=self._clock().replace(microsecond=0) + timedelta(seconds=life_s),
        )


class HeldSts:
    """An STS that answers only when the test allows it.

    `waiting` is the number of calls without an answer.
    """

    def __init__(self, inner: FakeSts) -> None:
        self.release = asyncio.Event()
        self.waiting = 0
        self._inner = inner

    async def __call__(self, *, session_name: str, policy: str) -> StsCredentials:
        self.waiting += 1
        await self.release.wait()
        self.waiting -= 1
        return await self._inner(session_name=session_name, policy=policy)


class UnexpectedError(Exception):
    """An exception that the code under test does not expect."""


class FakeStore:
    """A bucket in memory; raises `error` instead of answering if it is set.

    `uploads` are multipart uploads by key and id. Each abort finds one of the parts in `late` still
    in flight: the upload continues to exist, with that part. `arrives` has the keys under which
    another object is stored just before or after each copy.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Stored] = {}
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.is_versioned = False
        self.arrives: dict[str, str] = {}
        self.keys_live_s = 1_000_000
        self.lives_s: list[int] = []
        self.uploads: dict[tuple[str, str], tuple[Begun, list[Part]]] = {}
        self.late: list[Part] = []
        self._versions: dict[str, Stored] = {}

    def put(
        self,
        key: str,
        *,
        size: int = 5,
        crc64: str = "4041730234",
        content_type: str = "text/plain",
        etag: str = "5D41402ABC4B2A76B9719D911017C592",
        last_modified: datetime = datetime(2026, 3, 14, 9, 26, 50, tzinfo=UTC),
        metadata: Mapping[str, str] = MappingProxyType({}),
        is_symlink: bool = False,
    ) -> Stored:
        """Store an object, as a page would."""
        stored = Stored(
            key=key,
            size=size,
            crc64=crc64,
            etag=etag,
            last_modified=last_modified,
            content_type=content_type,
            metadata=dict(metadata),
            is_symlink=is_symlink,
        )
        self.objects[key] = stored
        return stored

    async def head(self, key: str) -> Stored | None:
        self._note(key)
        found = self.objects.get(key)
        return None if found is None or found.is_symlink else found

    async def list(self, prefix: str, *, after: str, limit: int) -> Sequence[Listed]:
        self._note(prefix)
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        return [self.objects[key] for key in keys[:limit]]

    async def copy(self, stored: Stored, target: str, *, forbid_overwrite: bool = False) -> bool:
        self._note(target)
        self._arrive("before")
        if self.objects.get(stored.key) != stored:
            return False
        if forbid_overwrite and target in self.objects:
            raise KeyTakenError
        self.objects[target] = replace(stored, key=target)
        self._arrive("after")
        return True

    def _arrive(self, when: str) -> None:
        if when in self.arrives:
            self.put(self.arrives[when], crc64="1", etag="LATER")

    async def delete(self, key: str, version: str = "") -> str:
        self._note(key)
        if version:
            self.objects[key] = self._versions.pop(version)
            return version
        deleted = self.objects.pop(key, None)
        if not self.is_versioned or deleted is None:
            return ""
        self._versions[f"v{len(self._versions)}"] = deleted
        return f"v{len(self._versions) - 1}"

    def begin(
        self, key: str, upload_id: str, sizes: Sequence[int] = (), *, s: float = 0
    ) -> tuple[str, str]:
        """Begin a multipart upload at second `s`; its parts are stored at intervals of one
        second.
        """
        at = datetime(2026, 3, 14, 9, 0, 0, tzinfo=UTC) + timedelta(seconds=s)
        parts = [
            Part(number=number, size=size, last_modified=at + timedelta(seconds=number))
            for number, size in enumerate(sizes, start=1)
        ]
        begun = Begun(key=key, upload_id=upload_id, began_at=at)
        self.uploads[key, upload_id] = (begun, parts)
        return key, upload_id

    async def begun(self, prefix: str) -> Sequence[Begun]:
        self._note(prefix)
        return [begun for begun, _ in self.uploads.values() if begun.key.startswith(prefix)]

    async def parts(self, key: str, upload_id: str) -> Sequence[Part] | None:
        self._note(key)
        found = self.uploads.get((key, upload_id))
        return None if found is None else found[1]

    async def abort(self, key: str, upload_id: str) -> None:
        self._note(key)
        begun, _ = self.uploads.pop((key, upload_id), (None, []))
        if begun and self.late:
            self.uploads[key, upload_id] = (begun, [self.late.pop()])

    async def link(self, stored: Stored, *, lives_s: int, params: Mapping[str, str]) -> Link:
        self._note(stored.key)
        self.lives_s.append(lives_s)
        end = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC) + timedelta(
            seconds=min(lives_s, self.keys_live_s)
        )
        return Link(url=f"https://bucket/{stored.key}?{urlencode(params)}", expires_at=end)

    def _note(self, key: str) -> None:
        self.asked.append(key)
        if self.error is not None:
            raise self.error

    async def close(self) -> None:
        pass
