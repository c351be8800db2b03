"""Signed requests: computes the text that a client must sign, and checks the signature.

To explain a wrong signature, other modules make changed copies of a ``Case``. They search for a
copy whose text produces the signature in the request.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from mock_oss.signing import v1, v4

__all__ = ["Case", "V1Case", "V4Case"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A signed request; base class of ``V1Case`` and ``V4Case``.

    ``query`` contains decoded (name, value) pairs. ``headers`` is a mapping from lower-case name
    to value. ``provided`` is the signature in the request.
    """

    method: str
    bucket: str
    key: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    provided: str

    def text(self) -> str:
        """Return the canonical request (V4) or the string to sign (V1)."""
        raise NotImplementedError

    def texts(self, text: str) -> dict[str, str]:
        """Return a dict with ``text`` and, for V4, with the string to sign made from ``text``.

        Args:
            text: a canonical request (V4) or a string to sign (V1).

        Returns:
            A dict with the keys ``string_to_sign`` and, for V4, ``canonical_request``.
        """
        raise NotImplementedError

    def produces_signature(self, text: str, secret: str) -> bool:
        """Return whether the signature in the request is that of `text`, signed with `secret`.

        Args:
            text: a canonical request (V4) or a string to sign (V1).
            secret: an access key secret.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class V4Case(Case):
    """A request with a V4 signature.

    If ``path``, ``query_text`` or ``payload`` is not None, the value replaces the path, the query
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
        """Return the canonical request of this case."""
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
        """Return a dict with the canonical request ``text`` and the string to sign made from it."""
        return {"canonical_request": text, "string_to_sign": self._string_to_sign(text)}

    def _string_to_sign(self, text: str) -> str:
        return v4.string_to_sign(self.date_time, self.credential.scope, text)

    def produces_signature(self, text: str, secret: str) -> bool:
        """Return whether this canonical request and secret produce the request's signature."""
        key = v4.signing_key(secret, self.credential.date, self.credential.region)
        made = v4.signature(key, self._string_to_sign(text))
        return hmac.compare_digest(made.encode(), self.provided.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class V1Case(Case):
    """A request with a V1 signature.

    ``date_line`` is the date of the request, or the ``Expires`` value of a presigned URL.
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

    def texts(self, text: str) -> dict[str, str]:
        """Return a dict that contains ``text``, a string to sign."""
        return {"string_to_sign": text}

    def produces_signature(self, text: str, secret: str) -> bool:
        """Return whether this string to sign and secret produce the request's signature."""
        return hmac.compare_digest(v1.signature(secret, text).encode(), self.provided.encode())
