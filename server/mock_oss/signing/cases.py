"""A signed request as a value that can be varied: what a server read, or a client may have meant.

A case knows how to write the texts of its scheme and whether a secret gives its signature.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from mock_oss.signing import v1, v4

__all__ = ["Case", "V1Case", "V4Case"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What both schemes sign of a request.

    ``query`` holds decoded pairs, ``headers`` lower-case names -> values; ``provided`` is the
    signature that came with the request.
    """

    method: str
    bucket: str
    key: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    provided: str

    def text(self) -> str:
        """Return the text in which differences are looked for."""
        raise NotImplementedError

    def texts(self, text: str) -> dict[str, str]:
        """Return every text of the scheme, by name, made from what ``text`` returned."""
        raise NotImplementedError

    def fits(self, text: str, secret: str) -> bool:
        """Whether this secret and this text give the signature that came."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class V4Case(Case):
    """A V4 request; ``path``, ``query_text`` and ``payload`` stand for what is usually made."""

    raw_query: bytes
    additional: str
    date_time: str
    credential: v4.Credential
    path: str | None = None
    query_text: str | None = None
    payload: str | None = None

    def text(self) -> str:
        """Return the canonical request."""
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
        """Return canonical request and string to sign."""
        return {"canonical_request": text, "string_to_sign": self._string_to_sign(text)}

    def _string_to_sign(self, text: str) -> str:
        return v4.string_to_sign(self.date_time, self.credential.scope, text)

    def fits(self, text: str, secret: str) -> bool:
        """Whether this secret and this canonical request give the signature that came."""
        key = v4.signing_key(secret, self.credential.date, self.credential.region)
        made = v4.signature(key, self._string_to_sign(text))
        return hmac.compare_digest(made.encode(), self.provided.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class V1Case(Case):
    """A V1 request; ``date_line`` is a date, or the Expires number of a URL."""

    date_line: str
    without_bucket: bool = False

    def text(self) -> str:
        """Return the string to sign."""
        text = v1.string_to_sign(
            self.method,
            self.bucket,
            self.key,
            query=self.query,
            headers=self.headers,
            date_line=self.date_line,
        )
        return text.replace(f"\n/{self.bucket}/", "\n/") if self.without_bucket else text

    def texts(self, text: str) -> dict[str, str]:
        """Return the string to sign."""
        return {"string_to_sign": text}

    def fits(self, text: str, secret: str) -> bool:
        """Whether this secret and this string to sign give the signature that came."""
        return hmac.compare_digest(v1.signature(secret, text).encode(), self.provided.encode())
