"""Signed requests: computes the text that a client must sign, and compares the signature.

To explain a wrong signature, other modules make changed copies of a `Case`. They search for a copy
whose text produces the signature in the request.
"""

import hmac
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mock_oss.http.request import signed_text
from mock_oss.signing import v1, v2, v4
from mock_oss.signing.encoding import header_names


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case(ABC):
    """The common fields of `V1Case`, `V2Case` and `V4Case`.

    `query` contains decoded (name, value) pairs. `headers` is a mapping from lower-case name
    to value. `provided` is the signature in the request. `additional` are the names of additional
    signed headers, separated by semicolons; a V1 signature has none.
    """

    version: ClassVar[str]
    method: str
    bucket: str
    key: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    provided: str
    additional: str = ""

    def signed_query(self) -> list[tuple[str, str]]:
        """Return the (name, value) pairs that the signature covers."""
        return [(name, value) for name, value in self.query if name != "x-oss-signature"]

    def signed_headers(self) -> dict[str, str]:
        """Return the headers that the signature covers: {lower-case name: signed text}."""
        names = {"content-type", "content-md5", *header_names(self.additional)}
        return {
            name: signed_text(value).strip()
            for name, value in self.headers.items()
            if name.startswith("x-oss-") or name in names
        }

    def texts(self, text: str) -> dict[str, str]:
        """Return a dict that contains `text`, a string to sign."""
        return {"string_to_sign": text}

    def produces_signature(self, text: str, secret: str) -> bool:
        """Return whether a result of `text` and a secret produce the request's signature."""
        return hmac.compare_digest(self._signature(text, secret).encode(), self.provided.encode())

    @abstractmethod
    def _signature(self, text: str, secret: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class V4Case(_Case):
    """A request with a V4 signature.

    The fields `path`, `query_text` and `payload` simulate mistakes of clients: a value other than
    None replaces the path, the query or the payload hash in the canonical request.
    """

    version = "v4"
    raw_query: bytes
    date_time: str
    credential: v4.Credential
    path: str | None = None
    query_text: str | None = None
    payload: str | None = None

    def text(self) -> str:
        """Return the canonical request of the request.

        If `path`, `query_text` or `payload` is not None, it replaces a line of the canonical
        request.
        """
        lines = v4.canonical_request(
            self.method,
            self.bucket,
            self.key,
            query=self.query,
            headers=self.headers,
            additional=self.additional,
        ).split("\n")
        for line, value in ((1, self.path), (2, self.query_text), (-1, self.payload)):
            if value is not None:
                lines[line] = value
        return "\n".join(lines)

    def texts(self, text: str) -> dict[str, str]:
        """Return a dict with the keys `canonical_request` and `string_to_sign`.

        Args:
            text: the canonical request, from which the string to sign is made.
        """
        string_to_sign = v4.string_to_sign(self.date_time, self.credential.scope, text)
        return {"canonical_request": text, "string_to_sign": string_to_sign}

    def _signature(self, text: str, secret: str) -> str:
        key = v4.signing_key(secret, self.credential.date, self.credential.region)
        return v4.signature(key, self.texts(text)["string_to_sign"])


@dataclass(frozen=True, slots=True, kw_only=True)
class V1Case(_Case):
    """A request with a V1 signature.

    `date_line` is the date of the request, or the `Expires` value of a presigned URL.
    `without_bucket` simulates a mistake of clients: if it is true, the string to sign contains the
    path of the object without the bucket.
    """

    version = "v1"
    date_line: str
    without_bucket: bool = False

    def text(self) -> str:
        """Return the string to sign of the request; omit the bucket if `without_bucket` is true."""
        text = v1.string_to_sign(
            self.method,
            self.bucket,
            self.key,
            query=self.query,
            headers=self.headers,
            date_line=self.date_line,
        )
        return text.replace(f"\n/{self.bucket}/", "\n/") if self.without_bucket else text

    def signed_query(self) -> list[tuple[str, str]]:
        """Return the query parameters that a V1 signature covers, as (name, value) pairs.

        They are the sub-resources, such as `uploadId`.
        """
        return [(name, value) for name, value in self.query if name in v1.SUB_RESOURCES]

    def _signature(self, text: str, secret: str) -> str:
        return v1.signature(secret, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class V2Case(_Case):
    """A request with a V2 signature.

    `date_line` is the date of the request, or the `x-oss-expires` value of a presigned URL. `path`
    simulates a mistake of clients: a value other than None replaces the encoded path in the string
    to sign.
    """

    version = "v2"
    date_line: str
    path: str | None = None

    def text(self) -> str:
        """Return the string to sign of the request.

        If `path` is not None, it replaces the encoded path in the string.
        """
        text = v2.string_to_sign(
            self.method,
            self.bucket,
            self.key,
            query=self.query,
            headers=self.headers,
            additional=self.additional,
            date_line=self.date_line,
        )
        if self.path is None:
            return text
        head, _, resource = text.rpartition("\n")
        _, mark, query = resource.partition("?")
        return f"{head}\n{self.path}{mark}{query}"

    def _signature(self, text: str, secret: str) -> str:
        return v2.signature(secret, text)


Case = V4Case | V2Case | V1Case
"""A signed request."""
