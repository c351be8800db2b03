"""Authentication of programs by API keys: the format of the keys, and the file of their records.

A key has the format `osf_{id}_{128 random bits}{checksum}`, in lower-case base 32. The prefix
`osf_` lets secret scanners find leaked keys. The checksum lets the server refuse a mistyped or
guessed key without reading the file.

The file is a JSON document with keyed hashes of the keys, readable by its owner only. Each change
replaces the whole file atomically. The server checks the file's modification time on every request,
so a revoked key is refused immediately.

Unknown, revoked, expired and wrong keys get the same response, so a client cannot distinguish these
cases. The reason is written to the audit trail.
"""

import base64
import fcntl
import hashlib
import hmac
import ipaddress
import json
import os
import re
import secrets
import tempfile
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from starlette.requests import Request

from ossferry.clock import Clock
from ossferry.errors import BadRequestError, NotIdentifiedError, SettingsError
from ossferry.http.bearer import bearer_token
from ossferry.http.proxies import Networks, address_of
from ossferry.identity.principal import Principal
from ossferry.settings.files import read_file

RandomBytes: TypeAlias = Callable[[int], bytes]

KEY_PREFIX = "osf_"
_KEY = re.compile(KEY_PREFIX + r"([a-z2-7]{8})_([a-z2-7]{26})([a-z2-7]{7})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key, with which a program proves its identity to the server.

    Attributes:
        id: public part, which identifies the key.
        text: the whole key, which is secret.
    """

    id: str
    text: str = field(repr=False)

    def keyed_hash(self, secret: bytes) -> str:
        """Return an HMAC-SHA256 of this API key, in hexadecimal; the server stores only this hash.

        Args:
            secret: the server's secret, which is the key of the HMAC.
        """
        message = f"ossferry/apikey\0{self.text}".encode()
        return hmac.new(secret, message, hashlib.sha256).hexdigest()


def new_key(random_bytes: RandomBytes = secrets.token_bytes) -> ApiKey:
    """Return a new random API key.

    Args:
        random_bytes: returns as many random bytes as its argument says.
    """
    id_ = _base32(random_bytes(5))
    body = f"{KEY_PREFIX}{id_}_{_base32(random_bytes(16))}"
    return ApiKey(id=id_, text=body + _checksum(body))


def parse_key(text: str) -> ApiKey | None:
    """Return the API key in a text; None if the format or the checksum of the text is wrong."""
    found = _KEY.fullmatch(text)
    if found is None or _checksum(text[:-7]) != found[3]:
        return None
    return ApiKey(id=found[1], text=text)


def _checksum(body: str) -> str:
    return _base32(zlib.crc32(body.encode()).to_bytes(4, "big"))


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """The record of one API key in the file; the API key itself is not in the file.

    Attributes:
        id: the public part of the API key.
        hash: keyed hash of the API key.
        user: id of the principal that uses the key.
        created, expires, revoked: times in UTC, in the format ISO 8601; an empty text means never.
        addresses: networks from which the key may be used, such as `192.0.2.0/24`; empty for all.
    """

    id: str
    hash: str
    user: str
    created: str
    expires: str = ""
    revoked: str = ""
    addresses: tuple[str, ...] = ()

    def is_live(self, now: datetime) -> bool:
        """Return whether the key is neither revoked nor expired at the time `now`."""
        return not self.revoked and (not self.expires or now < datetime.fromisoformat(self.expires))

    def allows(self, address: str) -> bool:
        """Return whether the key may be used from this IP address."""
        networks = [ipaddress.ip_network(network) for network in self.addresses]
        return not networks or address in Networks(networks)


class ApiKeyFile:
    """Reads and changes the file of API key records; `add` creates the file if it is missing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._records: Mapping[str, KeyRecord] = {}

    def records(self) -> Mapping[str, KeyRecord]:
        """Return all key records by key id; an empty mapping if the file is missing.

        Raises:
            SettingsError: the file cannot be read, or is not a file of API keys.
        """
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return {}
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if stamp != self._seen:
            self._records = self._read()
            self._seen = stamp
        return self._records

    def add(
        self, key: ApiKey, *, secret: bytes, user: str, created: datetime, **more: object
    ) -> KeyRecord:
        """Store the record of a new API key, with the key's hash, and return the record.

        Args:
            secret: the server's secret, used for the keyed hash.
            user: the principal's id, in its canonical form (NFKC, case-folded, stripped).
            created: the time of creation.
            more: values of the record's fields `expires` (ISO 8601 text) and `addresses` (a tuple
                of networks such as `192.0.2.0/24`).

        Raises:
            BadRequestError: the user id is not in canonical form, or an item of `addresses` is not
                a valid network.
        """
        if not user or _canonical(user) != user or not user.isprintable():
            raise BadRequestError(f"Write the user id as {_canonical(user)!r}, its canonical form.")
        record = KeyRecord(
            id=key.id,
            hash=key.keyed_hash(secret),
            user=user,
            created=created.isoformat(timespec="seconds"),
        )
        record = replace(record, **more)  # type: ignore[arg-type]  # named by the caller
        try:
            for network in record.addresses:
                ipaddress.ip_network(network)
        except ValueError as error:
            raise BadRequestError(f"An address must look like 192.0.2.0/24: {error}.") from error
        with self._changing() as records:
            records[key.id] = record
        return record

    def revoke(self, id_: str, now: datetime) -> KeyRecord:
        """Revoke an API key permanently, and return its record.

        Args:
            id_: the id of the API key.
            now: the time of revocation.

        Raises:
            BadRequestError: no API key has this id.
        """
        with self._changing() as records:
            if id_ not in records:
                raise BadRequestError(f"There is no key {id_}.")
            records[id_] = replace(records[id_], revoked=now.isoformat(timespec="seconds"))
        return records[id_]

    @contextmanager
    def _changing(self) -> Iterator[dict[str, KeyRecord]]:
        with self._path.with_name(self._path.name + ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._give_to_the_server(lock.fileno())
            records = dict(self.records())
            yield records
            self._write(records)

    def _read(self) -> dict[str, KeyRecord]:
        content = read_file("OSSFERRY_API_KEYS_FILE", self._path)
        try:
            found = [
                KeyRecord(**{**each, "addresses": tuple(each["addresses"])})
                for each in json.loads(content)["keys"]
            ]
        except (ValueError, KeyError, TypeError) as error:
            why = "it is not JSON" if content else "it is empty"
            if not isinstance(error, ValueError):
                why = "its keys are missing or incomplete"
            raise SettingsError(
                f"OSSFERRY_API_KEYS_FILE: {self._path} is not a file of API keys ({why}); restore"
                " it, or remove it and make new keys with `ossferry apikey create USER`."
            ) from error
        return {record.id: record for record in found}

    def _write(self, records: Mapping[str, KeyRecord]) -> None:
        content = {"version": 1, "keys": [asdict(record) for record in records.values()]}
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)  # mode 0600
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            self._give_to_the_server(handle)
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(self._path)

    def _give_to_the_server(self, handle: int) -> None:
        """Change the owner of a new key file, so that the server can read the file.

        Do nothing if this process does not run as root. The new file gets the owner of the existing
        key file. If there is no key file, the new file gets the owner of the folder.

        Args:
            handle: file descriptor of the new file.
        """
        if os.geteuid() == 0:
            owner = (self._path if self._path.exists() else self._path.parent).stat()
            os.fchown(handle, owner.st_uid, owner.st_gid)


def _canonical(user: str) -> str:
    return unicodedata.normalize("NFKC", user).casefold().strip()


NO_HASH = "0" * 64


class ApiKeyAuth:
    """Authenticator for API keys sent as bearer tokens."""

    def __init__(self, file: ApiKeyFile, *, secret: bytes, clock: Clock) -> None:
        self._file = file
        self._secret = secret
        self._clock = clock

    async def identify(self, request: Request) -> Principal:
        """Return the principal to whom the API key in a request belongs.

        Raises:
            NotIdentifiedError: the request has no valid API key.
            SettingsError: the file of API keys cannot be read.
        """
        key = parse_key(bearer_token(request))
        if key is None:
            raise _refused(request, "malformed")
        request.state.key_id = key.id
        record = self._file.records().get(key.id)
        expected = record.hash if record else NO_HASH
        same = hmac.compare_digest(key.keyed_hash(self._secret), expected)
        if record is None:
            raise _refused(request, "unknown-key")
        if not same:
            raise _refused(request, "wrong-key")
        if record.revoked:
            raise _refused(request, "revoked")
        if not record.is_live(self._clock()):
            raise _refused(request, "expired")
        if not record.allows(address_of(request)):
            raise _refused(request, "address")
        return Principal(id=record.user, name=record.user)


def _refused(request: Request, reason: str) -> NotIdentifiedError:
    """Return the error for an invalid API key; only the audit trail contains the reason."""
    request.state.reason = reason
    return NotIdentifiedError("The API key is not valid.")
