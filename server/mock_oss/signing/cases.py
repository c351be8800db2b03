"""Signed requests: computes the text that a client must sign, and compares the signature.

To explain a wrong signature, other modules make changed copies of a `Case`. They search for a copy
whose text produces the signature in the request.
"""

import hmac
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from mock_oss.http.request import signed_text
from mock_oss.signing import encoding, v1, v2, v4

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_SIGNED_ALWAYS = frozenset({"content-type", "content-md5"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case(ABC):
    """The common fields of `V1Case`, `V2Case` and `V4Case`.

    `query` contains decoded (name, value) pairs. `headers` is a mapping from lower-case name
    to value. `provided` is the signature in the request. `additional` are the names of additional
    signed headers, separated by semicolons; a V1 signature has none. `date_line`, for V1 and V2, is
    the value of `x-oss-date` or `Date`, or the time at which a presigned URL expires, as sent.
    `path` simulates a mistake of clients: a value other than None replaces the encoded path.
    """

    method: str
    bucket: str
    key: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    provided: str = ""
    additional: str = ""
    date_line: str = ""
    path: str | None = None

    def signed_query(self) -> list[tuple[str, str]]:
        """Return the (name, value) pairs that the signature covers."""
        return [(name, value) for name, value in self.query if name != "x-oss-signature"]

    def signed_headers(self) -> dict[str, str]:
        """Return the headers that the signature covers: {lower-case name: signed text}."""
        names = {"content-type", "content-md5", *encoding.header_names(self.additional)}
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
        return hmac.compare_digest(self.signature(text, secret).encode(), self.provided.encode())

    def _head(self) -> str:
        """Return the first lines of a V1 or V2 string to sign."""
        md5, kind = self.headers.get("content-md5", ""), self.headers.get("content-type", "")
        return f"{self.method}\n{md5}\n{signed_text(kind)}\n{self.date_line}\n"

    @abstractmethod
    def signature(self, text: str, secret: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class V4Case(_Case):
    """A request with a V4 signature.

    `query_text` and `payload` simulate mistakes of clients: a value other than None replaces the
    query or the payload hash in the canonical request.
    """

    raw_query: bytes = b""
    date_time: str
    credential: v4.Credential
    query_text: str | None = None
    payload: str | None = None

    def text(self) -> str:
        """Return the canonical request, the text from which a V4 signature is computed.

        It consists of the method, path, query, signed headers, names of the additional headers, and
        payload hash, separated by newlines.
        """
        listed = encoding.header_names(self.additional)
        names = [n for n in listed if not n.startswith("x-oss-") and n not in _SIGNED_ALWAYS]
        path = encoding.encode_path(f"/{self.bucket}/{self.key}") if self.bucket else "/"
        query = encoding.canonical_query(self.query)
        sent = self.headers.get("x-oss-content-sha256", UNSIGNED_PAYLOAD)
        return "\n".join(
            (
                self.method,
                path if self.path is None else self.path,
                query if self.query_text is None else self.query_text,
                encoding.canonical_headers(self.headers, _SIGNED_ALWAYS.union(names)),
                ";".join(names),
                sent if self.payload is None else self.payload,
            )
        )

    def texts(self, text: str) -> dict[str, str]:
        """Return a dict with the keys `canonical_request` and `string_to_sign`.

        Args:
            text: the canonical request, from which the string to sign is made.
        """
        string_to_sign = v4.string_to_sign(self.date_time, self.credential.scope, text)
        return {"canonical_request": text, "string_to_sign": string_to_sign}

    def signature(self, text: str, secret: str) -> str:
        key = v4.signing_key(secret, self.credential.date, self.credential.region)
        return v4.signature(key, self.texts(text)["string_to_sign"])


@dataclass(frozen=True, slots=True, kw_only=True)
class V1Case(_Case):
    """A request with a V1 signature."""

    def text(self) -> str:
        """Return the string to sign of the request.

        It consists of the method, Content-MD5, Content-Type, date line, `x-oss-*` headers and
        resource, separated by newlines. The resource is the unencoded path, followed by the signed
        query parameters sorted by name.
        """
        resource = f"/{self.bucket}/{self.key}" if self.bucket else "/"
        if self.path is not None:
            resource = self.path
        if signed := sorted(dict(self.signed_query()).items()):
            resource += f"?{encoding.joined_query(signed)}"
        return self._head() + encoding.canonical_headers(self.headers) + resource

    def signed_query(self) -> list[tuple[str, str]]:
        """Return the query parameters that a V1 signature covers, as (name, value) pairs.

        They are the sub-resources, such as `uploadId`.
        """
        return [(name, value) for name, value in self.query if name in v1.SUB_RESOURCES]

    def signature(self, text: str, secret: str) -> str:
        return v1.signature(secret, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class V2Case(_Case):
    """A request with a V2 signature."""

    def text(self) -> str:
        """Return the string to sign of the request.

        It is that of a V1 signature, but the resource is percent-encoded, and contains the whole
        query; the names of the additional headers are the line before it.
        """
        names = encoding.header_names(self.additional)
        resource = encoding.encode(f"/{self.bucket}/{self.key}" if self.bucket else "/")
        if self.path is not None:
            resource = self.path
        if parameters := encoding.canonical_query(self.query):
            resource += f"?{parameters}"
        headers = encoding.canonical_headers(self.headers, names)
        return f"{self._head()}{headers}{';'.join(names)}\n{resource}"

    def signature(self, text: str, secret: str) -> str:
        return v2.signature(secret, text)


Case = V4Case | V2Case | V1Case
"""A signed request."""
