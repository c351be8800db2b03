"""Common mistakes of clients in signatures, each as a function that changes a signed request.

The functions help to explain a wrong signature: a changed request (`Case`) that produces the
signature shows the mistake. The caller tries each mistake, and each combination of two mistakes.
"""

import hashlib
import mimetypes
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

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


def _header(name: str, value: str | None) -> Callable[[Case], Case]:
    def change(case: Case) -> Case:
        headers = {n: v for n, v in case.headers.items() if n != name}
        return replace(case, headers=headers if value is None else {**headers, name: value})

    return change


def _without_parameter(name: str) -> Callable[[Case], Case]:
    return lambda case: replace(case, query=tuple(p for p in case.query if p[0] != name))


def likely(case: Case) -> list[Mistake]:
    """Return the common mistakes of clients that can explain the wrong signature of a request.

    A mistake is a pair: a sentence that describes it, and a function that returns a copy of the
    request as a client with this mistake would have signed it.
    """
    mistakes = [*_dropped(case), *_content_types(case), *_rewritten(case)]
    if isinstance(case, V4Case):
        mistakes += _v4(case)
    else:
        mistakes += _v2(case) if isinstance(case, V2Case) else _v1(case)
    for method in METHODS:
        if method != case.method:
            mistakes.append((f"the method was signed as {method}", _with(method=method)))
    return mistakes


def _dropped(case: Case) -> Iterator[Mistake]:
    what = "sub-resource" if isinstance(case, V1Case) else "query parameter"
    for name in dict.fromkeys(name for name, _ in case.signed_query()):
        if name not in URL_NAMES:
            yield f"the {what} {name} was sent and not signed", _without_parameter(name)
    for name in case.signed_headers():
        yield f"the header {name} was sent and not signed", _header(name, None)


def _differs(name: str, sent: str | None, signed: str) -> str:
    """Return a sentence, such as "Content-Type was sent as 'a' and signed as 'b'"."""
    shown = "not sent" if sent is None else f"sent as {sent!r}"
    label = "Content-Type" if name == "content-type" else name
    return f"{label} was {shown} and signed as {signed!r}"


def _content_types(case: Case) -> Iterator[Mistake]:
    sent = case.signed_headers().get("content-type")
    bare = sent.partition(";")[0].strip() if sent else None
    by_key = mimetypes.guess_type(case.key)[0]
    for guess in dict.fromkeys(filter(None, (bare, by_key, *COMMON_TYPES))):
        if guess != sent:
            yield _differs("content-type", sent, guess), _header("content-type", guess)


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
                yield _differs(name, sent, form), _header(name, form)


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
