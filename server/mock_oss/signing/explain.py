"""Why a signature does not match, for the journal.

A server sees the client's signature, never the text the client signed. So this module signs the
variants that clients get wrong in practice with the same key; the one that gives the client's
signature is the text it signed, and the first byte in which it differs from ours is named.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mock_oss.signing import v1, v4
from mock_oss.signing.encoding import encode, encode_path

__all__ = ["V1Case", "V4Case", "first_difference", "v1_mismatch", "v4_mismatch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class V4Case:
    """A request whose V4 signature does not match."""

    method: str
    bucket: str
    key: str
    query: Sequence[tuple[str, str]]
    raw_query: bytes
    headers: Mapping[str, str]
    additional: str
    date_time: str
    credential: v4.Credential
    provided: str

    def canonical(self) -> str:
        """Return the canonical request of this variant."""
        return v4.canonical_request(
            self.method,
            self.bucket,
            self.key,
            query=self.query,
            headers=self.headers,
            additional=self.additional,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class V1Case:
    """A request whose V1 signature does not match."""

    method: str
    bucket: str
    key: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    date_line: str
    provided: str

    def text(self) -> str:
        """Return the string to sign of this variant."""
        return v1.string_to_sign(
            self.method,
            self.bucket,
            self.key,
            query=self.query,
            headers=self.headers,
            date_line=self.date_line,
        )


def first_difference(ours: str, theirs: str) -> dict[str, object]:
    """Name the first byte in which two texts differ.

    Returns:
        ``offset`` and ``line`` (from 1) of the byte, and both texts from there to the end of
        the line.
    """
    left, right = ours.encode(), theirs.encode()
    offset = next(
        (i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b),
        min(len(left), len(right)),
    )
    return {
        "offset": offset,
        "line": left[:offset].count(b"\n") + 1,
        "expected": _rest_of_line(left, offset),
        "signed": _rest_of_line(right, offset),
    }


def _rest_of_line(text: bytes, offset: int) -> str:
    return text[offset:].split(b"\n", 1)[0][:120].decode(errors="replace")


def v4_mismatch(
    case: V4Case, ours: str, *, secret: str, other_secrets: Iterable[tuple[str, str]]
) -> dict[str, object]:
    """Explain a V4 mismatch; ``ours`` is the canonical request the server made."""

    def fits(canonical: str, key: bytes) -> bool:
        text = v4.string_to_sign(case.date_time, case.credential.scope, canonical)
        return hmac.compare_digest(v4.signature(key, text).encode(), case.provided.encode())

    date, region = case.credential.date, case.credential.region
    key = v4.signing_key(secret, date, region)
    for cause, canonical in _v4_variants(case, ours):
        if canonical != ours and fits(canonical, key):
            return _found(cause, ours, canonical)
    for owner, other in other_secrets:
        if other != secret and fits(ours, v4.signing_key(other, date, region)):
            return _found(f"signed with the secret of {owner}", ours, None)
    return _found(None, ours, None)


def v1_mismatch(
    case: V1Case, ours: str, *, secret: str, other_secrets: Iterable[tuple[str, str]]
) -> dict[str, object]:
    """Explain a V1 mismatch; ``ours`` is the string to sign the server made."""

    def fits(text: str, with_secret: str) -> bool:
        return hmac.compare_digest(v1.signature(with_secret, text).encode(), case.provided.encode())

    for cause, text in _v1_variants(case, ours):
        if text != ours and fits(text, secret):
            return _found(cause, ours, text)
    for owner, other in other_secrets:
        if other != secret and fits(ours, other):
            return _found(f"signed with the secret of {owner}", ours, None)
    return _found(None, ours, None)


def _found(cause: str | None, ours: str, theirs: str | None) -> dict[str, object]:
    why: dict[str, object] = {
        "kind": "signature",
        "cause": cause or "the secret is another one, or the client signed another request",
        "expected_text": ours,
    }
    if theirs is not None:
        why["signed_text"] = theirs
        why["first_difference"] = first_difference(ours, theirs)
    return why


def _without(headers: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in names}


def _signed_names(headers: Mapping[str, str]) -> list[str]:
    return [n for n in headers if n.startswith("x-oss-") or n in ("content-type", "content-md5")]


def _content_types(headers: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    sent = headers.get("content-type")
    guesses = ["application/octet-stream", "text/plain;charset=UTF-8", "application/xml"]
    if sent is not None:
        guesses.insert(0, sent.partition(";")[0].strip())
    for guess in guesses:
        if guess != sent:
            yield (
                f"Content-Type was sent as {sent!r} and signed as {guess!r}",
                {**headers, "content-type": guess},
            )


def _header_variants(headers: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    for name in _signed_names(headers):
        yield f"the header {name} was sent and not signed", _without(headers, name)
    yield from _content_types(headers)


def _v4_variants(case: V4Case, ours: str) -> Iterator[tuple[str, str]]:
    for cause, headers in _header_variants(case.headers):
        yield cause, replace(case, headers=headers).canonical()
    lines = ours.split("\n")
    uri = f"/{case.bucket}/{case.key}"
    paths = {
        "the path was signed without the bucket": encode_path(f"/{case.key}"),
        "the path was signed unencoded": uri,
        "the path was encoded twice": encode_path(encode_path(uri)),
        "the slashes of the key were signed as %2F": f"/{case.bucket}/{encode(case.key)}",
    }
    for cause, path in paths.items():
        yield cause, "\n".join((lines[0], path, *lines[2:]))
    for cause, query in _v4_queries(case).items():
        yield cause, "\n".join((lines[0], lines[1], query, *lines[3:]))
    empty = hashlib.sha256(b"").hexdigest()
    yield "the payload was signed as a hash", "\n".join((*lines[:-1], empty))
    for method in ("GET", "PUT", "POST", "HEAD", "DELETE"):
        yield f"the method was signed as {method}", "\n".join((method, *lines[1:]))
    with_host = replace(case, additional=";".join(filter(None, (case.additional, "host"))))
    yield "host was signed and not named in AdditionalHeaders", with_host.canonical()


def _v4_queries(case: V4Case) -> dict[str, str]:
    pairs = [(n, v) for n, v in case.query if n != "x-oss-signature"]
    encoded = sorted((encode(n), encode(v)) for n, v in pairs)
    sent = [item for item in case.raw_query.decode("latin-1").split("&") if item]
    return {
        "an empty query value was signed with its '='": "&".join(f"{n}={v}" for n, v in encoded),
        "a space of the query was signed as '+'": "&".join(
            f"{n}={v}" if v else n for n, v in ((n, v.replace("%20", "+")) for n, v in encoded)
        ),
        "the query was signed in the order sent": "&".join(
            item for item in sent if not item.startswith("x-oss-signature=")
        ),
        "the query was signed unencoded": "&".join(
            f"{n}={v}" if v else n for n, v in sorted(pairs)
        ),
        "the query was not signed": "",
    }


def _v1_variants(case: V1Case, ours: str) -> Iterator[tuple[str, str]]:
    for cause, headers in _header_variants(case.headers):
        yield cause, replace(case, headers=headers).text()
    without = ours.replace(f"\n/{case.bucket}/", "\n/")
    yield "the path was signed without the bucket", without
    encoded = encode_path(case.key)
    yield "the key was signed percent-encoded", replace(case, key=encoded).text()
    for name in {n for n, _ in case.query if n in v1.SUB_RESOURCES}:
        left = [(n, v) for n, v in case.query if n != name]
        yield f"the sub-resource {name} was not signed", replace(case, query=left).text()
    for method in ("GET", "PUT", "POST", "HEAD", "DELETE"):
        yield f"the method was signed as {method}", replace(case, method=method).text()
    if ours.count("\n") and "x-oss-date" in case.headers:
        blank = replace(case, date_line="")
        yield "the date line was signed empty", blank.text()
