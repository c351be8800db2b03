"""Common mistakes of clients in signatures, each as a function that changes a signed request.

The functions help to explain a wrong signature: a changed request (`Case`) that produces the
signature shows the mistake. `likely` returns common mistakes; the caller tries each mistake, and
each combination of two mistakes. `guesses` yields other values for signed headers; these are too
many to try all combinations of two.
"""

import hashlib
import mimetypes
import string
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from mock_oss.http.request import signed_text
from mock_oss.signing.cases import Case, V1Case, V2Case, V4Case
from mock_oss.signing.encoding import encode, encode_path, joined_query

Mistake = tuple[str, Callable[[Any], Any]]
METHODS = ("GET", "PUT", "POST", "HEAD", "DELETE")
URL_NAMES = frozenset(
    """x-oss-access-key-id x-oss-additional-headers x-oss-credential x-oss-date x-oss-expires
    x-oss-signature-version""".split()  # noqa: SIM905 - easier to read as a table
)
"""Parameters of each presigned URL with a V2 or V4 signature."""
COMMON_TYPES = (
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "application/json",
    "application/xml",
    "text/plain",
    "text/plain;charset=UTF-8",
    "image/jpeg",
    "image/png",
)
CHARSETS = ("", ";charset=UTF-8", "; charset=utf-8")
LONGEST_TYPED = 48
TYPED = string.ascii_letters + string.digits + "-_.~/+ %=:@,;&()"


def _header(name: str, value: str | None) -> Callable[[Case], Case]:
    def change(case: Case) -> Case:
        headers = {n: v for n, v in case.headers.items() if n != name}
        return replace(case, headers=headers if value is None else {**headers, name: value})

    return change


def _without_parameter(name: str) -> Callable[[Case], Case]:
    return lambda case: replace(case, query=tuple(p for p in case.query if p[0] != name))


def dropped(case: Case) -> Iterator[Mistake]:
    """For each header and query parameter of a request, yield the mistake that it was not signed.

    A mistake is a pair: a sentence that describes it, and a function that returns a copy of the
    request without this header or parameter, as the client would have signed it. The parameters in
    `URL_NAMES`, such as `x-oss-date`, are skipped.
    """
    what = "sub-resource" if isinstance(case, V1Case) else "query parameter"
    for name in dict.fromkeys(name for name, _ in case.signed_query()):
        if name not in URL_NAMES:
            yield f"the {what} {name} was sent and not signed", _without_parameter(name)
    for name in case.signed_headers():
        yield f"the header {name} was sent and not signed", _header(name, None)


def likely(case: Case) -> list[Mistake]:
    """Return the common mistakes of clients that can explain the wrong signature of a request.

    A mistake is a pair: a sentence that describes it, and a function that returns a copy of the
    request as a client with this mistake would have signed it. The mistakes of `dropped` are
    included. The caller tries each mistake, and each combination of two mistakes.
    """
    mistakes = [*dropped(case), *_content_types(case), *_rewritten(case)]
    if isinstance(case, V4Case):
        mistakes += _v4(case)
    else:
        mistakes += _v2(case) if isinstance(case, V2Case) else _v1(case)
    for method in METHODS:
        if method != case.method:
            mistakes.append((f"the method was signed as {method}", _with(method=method)))
    return mistakes


def differs(name: str, sent: str | None, signed: str) -> str:
    """Return a sentence, such as "Content-Type was sent as 'a' and signed as 'b'".

    Args:
        name: the lower-case name of the header.
        sent: the value in the request, or None if the header was not sent.
        signed: the value that the client signed.
    """
    shown = "not sent" if sent is None else f"sent as {sent!r}"
    label = "Content-Type" if name == "content-type" else name
    return f"{label} was {shown} and signed as {signed!r}"


def _content_types(case: Case) -> Iterator[Mistake]:
    sent = case.signed_headers().get("content-type")
    bare = sent.partition(";")[0].strip() if sent else None
    by_key = mimetypes.guess_type(case.key)[0]
    for guess in dict.fromkeys(filter(None, (bare, by_key, *COMMON_TYPES))):
        if guess != sent:
            yield differs("content-type", sent, guess), _header("content-type", guess)


def _rewritten(case: Case) -> Iterator[Mistake]:
    signed = case.signed_headers()
    for name, sent in signed.items():
        forms = (
            unquote(sent),
            encode(sent),
            sent.lower(),
            sent.strip('"'),
            f'"{sent}"',
            sent.replace(" ", "+"),
            "",
            *(v for n, v in signed.items() if n != name and n.startswith("x-oss-meta-")),
        )
        for form in dict.fromkeys(forms):
            if form != sent:
                yield differs(name, sent, form), _header(name, form)


def _v4(case: V4Case) -> Iterator[Mistake]:
    uri = f"/{case.bucket}/{case.key}"
    for cause, path in (
        ("the path was signed without the bucket", encode_path(f"/{case.key}")),
        ("the path was signed unencoded", uri),
        ("the path was encoded twice", encode_path(encode_path(uri))),
        ("the slashes of the key were signed as %2F", f"/{case.bucket}/{encode(case.key)}"),
    ):
        yield cause, _with(path=path)
    for cause, query in _v4_queries(case).items():
        yield cause, _with(query_text=query)
    yield "the payload was signed as a hash", _with(payload=hashlib.sha256(b"").hexdigest())
    additional = f"{case.additional};host"
    yield "host was signed and not named in AdditionalHeaders", _with(additional=additional)


def _with(**changes: str) -> Callable[[Any], Any]:
    return lambda case: replace(case, **changes)


def _v4_queries(case: V4Case) -> dict[str, str]:
    pairs = case.signed_query()
    encoded = sorted((encode(n), encode(v)) for n, v in pairs)
    return {
        "an empty query value was signed with its '='": "&".join(f"{n}={v}" for n, v in encoded),
        "a space of the query was signed as '+'": joined_query(
            (n, v.replace("%20", "+")) for n, v in encoded
        ),
        "the query was signed in the order sent": "&".join(
            item
            for item in case.raw_query.decode(errors="replace").split("&")
            if item and not item.startswith("x-oss-signature=")
        ),
        "the query was signed unencoded": joined_query(sorted(pairs)),
        "the query was not signed": "",
    }


def _v2(case: V2Case) -> Iterator[Mistake]:
    uri = f"/{case.bucket}/{case.key}"
    for cause, path in (
        ("the path was signed without the bucket", encode(f"/{case.key}")),
        ("the path was signed unencoded", uri),
        ("the slashes of the path were signed unencoded", encode_path(uri)),
    ):
        yield cause, _with(path=path)
    if "x-oss-date" in case.headers:
        yield "the date line was signed empty", _with(date_line="")


def _v1(case: V1Case) -> Iterator[Mistake]:
    yield "the path was signed without the bucket", _with(path=f"/{case.key}")
    yield "the key was signed percent-encoded", _with(key=encode_path(case.key))
    if "x-oss-date" in case.headers:
        yield "the date line was signed empty", _with(date_line="")


def guesses(case: Case, seen: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield (header name, value) pairs that the client may have signed instead of the sent values.

    The pairs contain values from other requests; the values of the request's `x-oss-meta-` headers
    with one character missing, replaced or added; and, for Content-Type, each media type that
    Python's `mimetypes` knows, with and without a charset.

    Args:
        case: the request as received.
        seen: (header name, value) pairs of other requests.
    """
    signed = case.signed_headers()
    for name, value in dict.fromkeys(seen):
        text = signed_text(value).strip()
        if name in signed and text != signed[name]:
            yield name, text
    for name, sent in signed.items():
        if name.startswith("x-oss-meta-"):
            for value in _typed_otherwise(sent):
                yield name, value
    for kind in sorted(set(mimetypes.types_map.values())):
        for charset in CHARSETS:
            yield "content-type", kind + charset


def with_header(case: Case, text: str, name: str, value: str) -> str:
    """Return the text that a client has signed if one header had another value when it was signed.

    The text is the canonical request of a V4 signature, or the string to sign of a V1 or V2
    signature. To save time, this function replaces the header's line in `text` if there is one;
    otherwise it computes the text again.

    Args:
        case: the request.
        text: the result of `case.text()`.
        name: the lower-case name of the header.
        value: the other value of the header, decoded as UTF-8.
    """
    sent = case.headers.get(name)
    if sent is None or (not isinstance(case, V4Case) and name == "content-type"):
        changed: Case = _header(name, value)(case)
        return changed.text()
    return text.replace(f"\n{name}:{signed_text(sent).strip()}\n", f"\n{name}:{value}\n")


def _typed_otherwise(sent: str) -> Iterator[str]:
    """Yield variants of `sent` with one typing error: a missing, replaced or added character."""
    if len(sent) > LONGEST_TYPED:
        return
    for at in range(len(sent) + 1):
        start, rest = sent[:at], sent[at:]
        yield from (start + letter + rest for letter in TYPED)
        if rest:
            yield start + rest[1:]
            yield from (start + letter + rest[1:] for letter in TYPED)
