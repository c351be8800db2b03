"""The request line and headers of one HTTP request, and the byte range in its header Range.

Header values are decoded as latin-1, so that their bytes can be sent back unchanged.
`signed_text` converts such a value to UTF-8 text, because clients sign UTF-8 text.
"""

import re
from collections.abc import Awaitable, Callable, Container, Mapping, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

from mock_oss.errors import RefusedError, invalid_argument

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_SINGLE = frozenset(
    """authorization content-length content-md5 content-type date host origin range
    x-oss-content-sha256 x-oss-date x-oss-security-token""".split()  # noqa: SIM905 - as a table
)
MAX_HEADER_BYTES = 64 << 10
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def whole_number(text: str, low: int, high: int) -> int | None:
    """Return a text of ASCII digits as a number.

    Returns:
        The number, or None for any other text and for a number that is not from `low` to `high`.
    """
    if text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high:
        return int(text)
    return None


def number_of(
    name: str, text: str, low: int, high: int, message: str | None = None, *, ec: str | None = None
) -> int:
    """Return a text of ASCII digits as a number.

    Args:
        name: the name of the header, parameter or XML element with the text.
        text: the text.
        low: the least allowed number.
        high: the greatest allowed number.
        message: replaces the default message of the error.
        ec: replaces the default EC of the error.

    Raises:
        RefusedError: InvalidArgument for any other text and for a number out of the range.
    """
    number = whole_number(text, low, high)
    if number is None:
        raise invalid_argument(name, text, message, ec=ec)
    return number


def one_of(name: str, value: str, allowed: Container[str], *, ec: str | None = None) -> str:
    """Return the value of a header, parameter or XML element if it is one of the allowed values.

    Args:
        name: the name of the header, parameter or element.
        value: the value.
        allowed: the allowed values.
        ec: replaces the default EC of the error.

    Raises:
        RefusedError: InvalidArgument for another value.
    """
    if value not in allowed:
        raise invalid_argument(name, value[:256], ec=ec)
    return value


def check_header(name: str, value: str) -> None:
    """Raise RefusedError with the code InvalidArgument if a header contains control characters.

    Args:
        name: the name of the header, for the error message.
        value: the value of the header.
    """
    if CONTROL.search(value):
        raise RefusedError("InvalidArgument", f"The header {name} holds control characters.")


def header_text(value: str) -> str:
    """Convert text to the form of received header values: encode as UTF-8, decode as latin-1."""
    return value if value.isascii() else value.encode().decode("latin-1")


def signed_text(value: str) -> str:
    """Decode a latin-1 header value as UTF-8; return the value unchanged if it is not UTF-8."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def decode_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with every value converted by `signed_text`."""
    return {name: signed_text(value) for name, value in headers.items()}


def parse_query(raw: bytes) -> list[tuple[str, str]]:
    """Return the decoded (name, value) pairs of a query.

    `+` becomes a space, and a missing value becomes empty text.

    Raises:
        RefusedError: InvalidArgument if a name or value is not UTF-8.
    """
    if not raw:
        return []
    pairs = []
    try:
        for item in raw.split(b"&"):
            if not item:
                continue
            name, _, value = item.partition(b"=")
            pairs.append((_decode(name), _decode(value)))
    except UnicodeDecodeError as e:
        raise RefusedError(
            "InvalidArgument", "The query is not UTF-8.", why={"query": e.reason}
        ) from e
    return pairs


def _decode(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    return (unquote_to_bytes(raw) if b"%" in raw else raw).decode()


class Request:
    """The request line and headers of an HTTP request, without its body.

    After construction, `headers` and `params` are empty; `read_head` sets them.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.raw_path: bytes = scope["raw_path"]
        self.raw_query: bytes = scope["query_string"]
        self.http_version: str = scope["http_version"]
        self.headers: dict[str, str] = {}
        self.params: dict[str, str] = {}
        self._query: list[tuple[str, str]] | None = None

    def read_head(self) -> None:
        """Set `headers` and `params` (the query parameters) from the ASGI scope.

        For a repeated query parameter, `params` contains the first value.

        Raises:
            RefusedError: a header that may occur only once, such as Range, is repeated; Host is
                missing; the HTTP version is not supported; the request line and headers have more
                than `MAX_HEADER_BYTES` bytes; or the query is not UTF-8.
        """
        headers = self.headers
        for raw_name, raw_value in self.scope["headers"]:
            name = raw_name.decode("latin-1")
            value = raw_value.decode("latin-1").strip()
            if name in headers:
                if name in _SINGLE:
                    message = f"The header {name} appears more than once."
                    raise invalid_argument(name, value, message)
                value = f"{headers[name]},{value}"
            headers[name] = value
        if self.http_version != "1.1" or "host" not in headers:
            self._check_version()
        self._check_size(len("".join(headers)) + len("".join(headers.values())))
        for name, value in self.query:
            self.params.setdefault(name, value)

    def _check_version(self) -> None:
        if self.http_version == "1.1":
            raise RefusedError("InvalidRequest", "A request of HTTP/1.1 needs a Host header.")
        if self.http_version != "1.0":
            raise RefusedError("InvalidRequest", f"There is no HTTP/{self.http_version} here.")

    def _check_size(self, header_bytes: int) -> None:
        size = header_bytes + len(self.raw_path) + len(self.raw_query)
        if size > MAX_HEADER_BYTES:
            raise RefusedError(
                "InvalidRequest",
                "The request line and headers are too large.",
                ArgumentName="headers",
                ArgumentValue=str(size),
            )

    @property
    def query(self) -> list[tuple[str, str]]:
        """The decoded (name, value) pairs of the query, in the order of the request."""
        if self._query is None:
            self._query = parse_query(self.raw_query)
        return self._query

    @property
    def host(self) -> str:
        """The Host header, or empty text for an HTTP/1.0 request without this header."""
        return self.headers.get("host", "")

    @property
    def client_ip(self) -> str:
        """The IP address of the client's socket; `127.0.0.1` for a socket without an IP address."""
        client = self.scope.get("client")
        return client[0] if client else "127.0.0.1"

    @property
    def is_secure(self) -> bool:
        """Whether the client used HTTPS, according to the ASGI scope."""
        return bool(self.scope["scheme"] == "https")


_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


def parse_range(headers: Mapping[str, str], size: int) -> tuple[int, int] | None:
    """Return the range that the Range header requests, as (offset, length) in bytes.

    The result is None, which means the whole object, if the header is missing or malformed, or if
    the range exceeds the object. With the header `x-oss-range-behavior: standard`, a range that
    exceeds the object is shortened instead.

    Args:
        headers: the request headers.
        size: the length of the object in bytes.

    Raises:
        RefusedError: InvalidRange if the object contains no byte of the range, and the request has
            the header `x-oss-range-behavior: standard`.
    """
    text = headers.get("range")
    if text is None:
        return None
    standard = headers.get("x-oss-range-behavior") == "standard"
    match = _RANGE.fullmatch(text)
    if match is None or match[0] == "bytes=-":
        return None
    if match[1]:
        first, last = int(match[1]), int(match[2]) if match[2] else size - 1
        if match[2] and last < first:
            return None
    else:  # the last bytes of the object
        first, last = size - int(match[2]), size - 1
    if first >= size or not size:
        if not standard:
            return None
        raise RefusedError(
            "InvalidRange",
            headers={"Content-Range": f"bytes */{size}"},
            ActualObjectSize=size,
            RangeRequested=text,
        )
    if not standard and (first < 0 or last >= size):
        return None
    first, last = max(first, 0), min(last, size - 1)
    return first, last - first + 1
