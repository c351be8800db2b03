"""The file of API key records: a JSON document with hashes, readable by the file's owner only.

Each change replaces the whole file atomically, so a reader sees either the old or the new content.
The server checks the file's modification time on every request, so a revoked key is refused
immediately.
"""

import fcntl
import ipaddress
import json
import os
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from ossferry.authentication.apikey_format import ApiKey
from ossferry.errors import BadRequestError, SettingsError
from ossferry.http.proxies import Networks


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
        try:
            content = self._path.read_bytes()
        except OSError as error:
            raise SettingsError(
                f"OSSFERRY_API_KEYS_FILE: {self._path} cannot be read ({error.strerror}); correct"
                " the path, or let the server's user read the file."
            ) from error
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
