"""The request journal: records of the latest requests, with reasons for refusals, kept in memory.

A record contains secrets; only `RequestRecord.as_dict` masks the secrets. The explanation of a
signature mismatch is computed when the property `why` of the record is first read.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, overload

from mock_oss.errors import UnknownOperationError, WrongRequestsError
from mock_oss.policies.globs import glob
from mock_oss.signing.explain import first_difference

_HIDDEN_HEADERS = {"authorization", "x-oss-security-token", "x-acs-security-token", "cookie"}
_HIDDEN_PARAMS = {
    *("signature", "x-oss-signature"),
    *("x-oss-security-token", "security-token", "securitytoken"),
}
LISTED = 20  # requests in an error message
RECORD_BYTES = 1024  # estimated size of a record without its texts
_TOKEN = "x-oss-security-token"  # noqa: S105 - a header name, not a secret
_V4_TEXT = "OSS4-HMAC-SHA256\n"


@dataclass(slots=True, repr=False, eq=False)
class RequestRecord:
    """The record of one request in the journal; attributes are set while the request is processed.

    `time` is the mock's time at the start of the request, in seconds since the epoch. `status` is
    None until the response is known, and remains None if a fault cuts the connection. `code` is the
    error code of a failed request. `faults` are the effects of the faults that applied. `why`
    describes the reason for a refusal; `why["kind"]` is, for example, `policy`, `signature`,
    `clock`, `token`, `key`, `cors` or `fault`.
    """

    number: int
    request_id: str
    time: float
    method: str = ""
    host: str = ""
    path: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    bucket: str = ""
    key: str = ""
    operation: str = ""
    access_key_id: str = ""
    caller: str = ""
    received_bytes: int = 0
    status: int | None = None
    code: str = ""
    message: str = ""
    faults: tuple[str, ...] = ()
    duration_ms: float = 0.0
    _why: Mapping[str, Any] | Callable[[], Mapping[str, Any]] = field(default_factory=dict)
    _size_bytes: int = 0  # 0 before `measure` is called

    def __repr__(self) -> str:
        answer = f"{self.status} {self.code}".rstrip()
        return f"<{self.method} {self.path} {self.operation} -> {answer}>"

    @property
    def why(self) -> Mapping[str, Any]:
        """JSON-ready details about the reason for a refusal, empty for a successful request."""
        if callable(self._why):
            self._why = self._why()
        return self._why

    @why.setter
    def why(self, details: Mapping[str, Any] | Callable[[], Mapping[str, Any]]) -> None:
        self._why = details

    def compare(self, signed: str) -> dict[str, object]:
        """Compare the text that the client signed with the text that the mock expected.

        Args:
            signed: the canonical request or the string to sign, from the client's debug log.

        Returns:
            A dict, empty if the texts are equal. `in` tells which text was compared,
            `canonical_request` or `string_to_sign`. `offset` is the index of the first different
            byte. `line` is the line number, counted from 1. `expected` and `signed` are the texts
            from this byte to the end of the line, at most 120 bytes.

        Raises:
            ValueError: the request was not refused because of its signature.
        """
        if "expected_string_to_sign" not in self.why:
            raise ValueError("this request was not refused because of its signature")
        is_v4_text = signed.startswith(_V4_TEXT)
        name = "string_to_sign" if is_v4_text else "canonical_request"
        expected = self.why.get(f"expected_{name}")
        if expected is None:
            name, expected = "string_to_sign", self.why["expected_string_to_sign"]
        difference = first_difference(expected, signed.replace("\r\n", "\n"))
        return {"in": name, **difference} if difference else {}

    def measure(self) -> int:
        """Estimate how many bytes of memory this record uses; store and return the estimate."""
        texts = [self.path, self.message, *self.headers.values(), *self.params.values()]
        head = sum(map(len, texts))
        # An explanation that is not computed yet holds texts about as long as the head.
        evidence = head if callable(self._why) else len(repr(self._why))
        self._size_bytes = RECORD_BYTES + head + evidence
        return self._size_bytes

    @property
    def refused(self) -> bool:
        """Whether the request has an error code.

        It has one if the mock refused the request, or if the client closed the connection before
        the mock had a response.
        """
        return bool(self.code)

    def as_dict(self, *, brief: bool = False) -> dict[str, object]:
        """Return the record as a dict of JSON-ready values, with masked secrets.

        Args:
            brief: True to omit `why`, the details about a refusal.
        """
        values: dict[str, object] = {
            item.name: getattr(self, item.name) for item in fields(self) if item.name[0] != "_"
        }
        values["headers"] = {
            name: "…" if name in _HIDDEN_HEADERS else value for name, value in self.headers.items()
        }
        values["params"] = {
            name: "…" if name.lower() in _HIDDEN_PARAMS else value
            for name, value in self.params.items()
        }
        values["faults"] = list(self.faults)
        if brief:
            return values
        token = self.headers.get(_TOKEN) or self.params.get(_TOKEN) or "\0"
        values["why"] = {
            name: value.replace(token, "…") if isinstance(value, str) else value
            for name, value in self.why.items()
        }
        return values


class Journal(Sequence[RequestRecord]):
    """The records of the latest requests to the mock, oldest first.

    Args:
        limit: the largest number of records.
        max_bytes: the largest total memory of the records in bytes; the latest record is always
            kept.
        operations: the operation names that `all`, `one` and `refused` accept; empty if they accept
            any name.
    """

    def __init__(
        self, limit: int = 10_000, max_bytes: int = 32 << 20, *, operations: Collection[str] = ()
    ) -> None:
        self._operations = operations
        self._records: deque[RequestRecord] = deque()
        self._limit, self._max_bytes = limit, max_bytes
        self._count = 0
        self._bytes = 0

    def open(self, request_id: str, time: float) -> RequestRecord:
        """Add the record of a new request and return it.

        Args:
            request_id: the id of the request.
            time: the mock's time in seconds since the epoch.
        """
        self._count += 1
        record = RequestRecord(self._count, request_id, time)
        self._records.append(record)
        self._drop_oldest()
        return record

    def close(self, record: RequestRecord) -> None:
        """Complete the record of a processed request, and add its size to that of the journal.

        If the journal then exceeds its limits, the oldest records are deleted.
        """
        first = self._records[0].number if self._records else self._count + 1
        if record.number >= first:
            self._bytes += record.measure()
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        records = self._records
        while len(records) > self._limit or (self._bytes > self._max_bytes and len(records) > 1):
            self._bytes -= records.popleft()._size_bytes

    def clear(self) -> None:
        """Delete all records of requests."""
        self._records = deque()
        self._bytes = 0

    def all(
        self,
        operation: str | None = None,
        *,
        method: str | None = None,
        bucket: str | None = None,
        key: str | None = None,
    ) -> list[RequestRecord]:
        """Return the records of the requests that match all given arguments, oldest first.

        Args:
            operation: the name of the OSS operation or STS action, such as `PutObject`.
            method: the HTTP method.
            bucket: the name of the bucket.
            key: the object key, or a pattern with `*` and `?`.

        Raises:
            UnknownOperationError: the mock has no operation with this name, and has received no
                request for it.
        """
        if operation is not None and self._operations:
            self._check_operation(operation)
        wanted = None if key is None else glob(key)
        return [
            record
            for record in self
            if operation in (None, record.operation)
            and method in (None, record.method)
            and bucket in (None, record.bucket)
            and (wanted is None or wanted.fullmatch(record.key))
        ]

    def _check_operation(self, name: str) -> None:
        if name in self._operations or any(record.operation == name for record in self):
            return
        raise UnknownOperationError(name, self._operations)

    def one(self, operation: str | None = None, **properties: str | None) -> RequestRecord:
        """Return the record of the only request that matches the arguments.

        Args:
            operation: the name of the OSS operation or STS action, such as `PutObject`.
            properties: `method`, `bucket` or `key`, with the meaning that they have for `all`.

        Raises:
            UnknownOperationError: the mock has no operation with this name, and has received no
                request for it.
            WrongRequestsError: no request or more than one request matches. The message lists the
                requests.
        """
        records = self.all(operation, **properties)
        if len(records) == 1:
            return records[0]
        wanted = {"operation": operation, **properties}
        what = ", ".join(f"{name}={value!r}" for name, value in wanted.items() if value is not None)
        count = "no request" if not records else f"{len(records)} requests"
        raise WrongRequestsError(
            f"{count} with {what or 'any properties'}, not exactly one; received:\n"
            f"{self.listed(records or None)}"
        )

    def refused(
        self, operation: str | None = None, **properties: str | None
    ) -> list[RequestRecord]:
        """Return the records of matching requests that failed, oldest first.

        A request failed if the mock refused it, or if the client closed the connection before the
        response.

        Args:
            operation: the name of the OSS operation or STS action, such as `PutObject`.
            properties: `method`, `bucket` or `key`, with the meaning that they have for `all`.

        Raises:
            UnknownOperationError: the mock has no operation with this name, and has received no
                request for it.
        """
        return [record for record in self.all(operation, **properties) if record.refused]

    def listed(self, records: Sequence[RequestRecord] | None = None) -> str:
        """Return a text with one line per request, for error messages.

        If there are more than 20 records, only the latest 20 are listed, below a line with the
        number of earlier records.

        Args:
            records: the records, in the order of the requests; None for those of the journal.
        """
        chosen = list(self) if records is None else records
        lines = [f"  {record}" for record in chosen[-LISTED:]]
        if len(chosen) > LISTED:
            lines.insert(0, f"  ... and {len(chosen) - LISTED} earlier requests")
        return "\n".join(lines) or "  nothing"

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
