"""What was asked of the mock, and why it refused: kept in memory, oldest dropped first.

Secrets stay readable to the test that holds the record; ``as_dict`` hides them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

__all__ = ["Journal", "RequestRecord"]

_HIDDEN_HEADERS = {"authorization", "x-oss-security-token", "x-acs-security-token", "cookie"}
_HIDDEN_PARAMS = {
    "signature",
    "x-oss-signature",
    "x-oss-security-token",
    "security-token",
    "securitytoken",
}


class RequestRecord:
    """One request, filled in while it is served.

    ``status`` is None until the answer is decided, and stays None when the connection was cut
    on purpose. ``why`` holds the evidence of a refusal; its ``kind`` is one of ``policy``,
    ``signature``, ``clock``, ``token``, ``key``, ``cors``, ``fault`` and the like.
    """

    __slots__ = (
        "access_key_id",
        "bucket",
        "caller",
        "code",
        "duration_ms",
        "faults",
        "headers",
        "host",
        "key",
        "message",
        "method",
        "number",
        "operation",
        "params",
        "path",
        "received_bytes",
        "request_id",
        "status",
        "time",
        "why",
    )

    def __init__(self, number: int, request_id: str, time: float) -> None:
        self.number = number
        self.request_id = request_id
        self.time = time
        self.method = ""
        self.host = ""
        self.path = ""
        self.params: Mapping[str, str] = {}
        self.headers: Mapping[str, str] = {}
        self.bucket = ""
        self.key = ""
        self.operation = ""
        self.access_key_id = ""
        self.caller = ""
        self.received_bytes = 0
        self.status: int | None = None
        self.code = ""
        self.message = ""
        self.why: Mapping[str, Any] = {}
        self.faults: tuple[str, ...] = ()
        self.duration_ms = 0.0

    def __repr__(self) -> str:
        return f"<{self.method} {self.path} {self.operation} -> {self.status} {self.code}>"

    @property
    def refused(self) -> bool:
        """Whether the answer was an error."""
        return bool(self.code)

    def as_dict(self) -> dict[str, object]:
        """Return everything as JSON-ready values, secrets hidden."""
        values: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        values["headers"] = {
            name: "…" if name in _HIDDEN_HEADERS else value for name, value in self.headers.items()
        }
        values["params"] = {
            name: "…" if name.lower() in _HIDDEN_PARAMS else value
            for name, value in self.params.items()
        }
        values["why"] = dict(self.why)
        values["faults"] = list(self.faults)
        return values


class Journal(Sequence[RequestRecord]):
    """The last requests, oldest first."""

    def __init__(self, limit: int = 10_000) -> None:
        self._records: deque[RequestRecord] = deque(maxlen=limit)
        self._count = 0

    def open(self, request_id: str, time: float) -> RequestRecord:
        """Start the record of a request."""
        self._count += 1
        record = RequestRecord(self._count, request_id, time)
        self._records.append(record)
        return record

    def clear(self) -> None:
        """Forget every request."""
        self._records.clear()

    def refused(self) -> list[RequestRecord]:
        """Return the requests that were answered with an error."""
        return [record for record in self._records if record.refused]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[RequestRecord]:
        return iter(list(self._records))

    @overload
    def __getitem__(self, index: int) -> RequestRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[RequestRecord]: ...
    def __getitem__(self, index: int | slice) -> RequestRecord | list[RequestRecord]:
        return list(self._records)[index]

    def __repr__(self) -> str:
        return f"<Journal of {len(self)} requests>"
