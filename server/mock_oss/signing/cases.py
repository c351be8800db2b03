"""Signed requests: computes the text that a client must sign, and checks the signature.

To explain a wrong signature, other modules make changed copies of a `Case`. They search for a
copy whose text produces the signature in the request.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mock_oss.http.request import signed_text
from mock_oss.signing import v1, v2, v4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """The common fields of `V1Case`, `V2Case` and `V4Case`.

    `query` contains decoded (name, value) pairs. `headers` is a mapping from lower-case name
    to value. `provided` is the signature in the request.
    """

    method: str
    bucket: str
    key: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    provided: str

    def signed_query(self) -> list[tuple[str, str]]:
        """Return the (name, value) pairs that the signature covers."""
        return [(name, value) for name, value in self.query if name != "x-oss-signature"]

    def texts(self, text: str) -> dict[str, str]:
        """Return a dict that contains `text`, a string to sign."""
        return {"string_to_sign": text}


def _signed(headers: Mapping[str, str], additional: Iterable[str] = ()) -> dict[str, str]:
    names = {"content-type", "content-md5", *additional}
    return {
        name: signed_text(value).strip()
        for name, value in headers.items()
        if name.startswith("x-oss-") or name in names
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class V4Case(_Case):
    """A request with a V4 signature.

    If `path`, `query_text` or `payload` is not None, the value replaces the path, the query
    or the payload hash in the canonical request.
    """

    raw_query: bytes
    additional: str
    date_time: str
    credential: v4.Credential
    path: str | None = None
    query_text: str | None = None
    payload: str | None = None

    def text(self) -> str:
        """Return the canonical request, with the lines replaced that a mistake has changed."""
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

    def signed_headers(self) -> dict[str, str]:
        """Return the headers that the signature covers: {lower-case name: signed text}."""
        return _signed(self.headers, v4.additional_names(self.additional))

    def texts(self, text: str) -> dict[str, str]:
        """Return a dict with the canonical request `text` and the string to sign made from it."""
        return {"canonical_request": text, "string_to_sign": self._string_to_sign(text)}

    def _string_to_sign(self, text: str) -> str:
        return v4.string_to_sign(self.date_time, self.credential.scope, text)

    def produces_signature(self, text: str, secret: str) -> bool:
        """Return whether this canonical request and secret produce the request's signature."""
        key = v4.signing_key(secret, self.credential.date, self.credential.region)
        made = v4.signature(key, self._string_to_sign(text))
        return hmac.compare_digest(made.encode(), self.provided.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class V1Case(_Case):
    """A request with a V1 signature.

    `date_line` is the date of the request, or the `Expires` value of a presigned URL.
    """

    date_line: str
    without_bucket: bool = False

    def text(self) -> str:
        """Return the string to sign of this case."""
        text = v1.string_to_sign(
            self.method,
            self.bucket,
            self.key,
            query=self.query,
            headers=self.headers,
            date_line=self.date_line,
        )
        return text.replace(f"\n/{self.bucket}/", "\n/") if self.without_bucket else text

    def signed_headers(self) -> dict[str, str]:
        """Return the headers that the signature covers: {lower-case name: signed text}."""
        return _signed(self.headers)

    def signed_query(self) -> list[tuple[str, str]]:
        """Return the sub-resources, as (name, value) pairs."""
        return [(name, value) for name, value in self.query if name in v1.SUB_RESOURCES]

    def produces_signature(self, text: str, secret: str) -> bool:
        """Return whether this string to sign and secret produce the request's signature."""
        return hmac.compare_digest(v1.signature(secret, text).encode(), self.provided.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class V2Case(_Case):
    """A request with a V2 signature.

    `date_line` is the date of the request, or the `x-oss-expires` value of a presigned URL. If
    `path` is not None, it replaces the encoded resource.
    """

    additional: str
    date_line: str
    path: str | None = None

    def text(self) -> str:
        """Return the string to sign of this case."""
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

    def signed_headers(self) -> dict[str, str]:
        """Return the headers that the signature covers: {lower-case name: signed text}."""
        return _signed(self.headers, v2.additional_names(self.additional))

    def produces_signature(self, text: str, secret: str) -> bool:
        """Return whether this string to sign and secret produce the request's signature."""
        return hmac.compare_digest(v2.signature(secret, text).encode(), self.provided.encode())


Case = V4Case | V2Case | V1Case
"""A signed request."""
