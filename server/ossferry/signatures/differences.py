"""Compares the texts that a client should have signed with the texts in OSS's answer."""

from collections.abc import Iterator, Mapping
from difflib import ndiff
from urllib.parse import quote, unquote

from ossferry.signatures.answers import OssAnswer
from ossferry.signatures.signed import SignedRequest

__all__ = ["line_differences", "why_oss_differs"]

V4_FIELDS_AFTER_HEADERS = 3  # an empty line, the additional headers, and the payload


def line_differences(ours: str, theirs: str) -> list[str]:
    """Return the lines of both texts with marks: ``-`` ours, ``+`` theirs, ``?`` the place."""
    return [line.rstrip("\n") for line in ndiff(ours.splitlines(), theirs.splitlines())]


def why_oss_differs(request: SignedRequest, answer: OssAnswer) -> list[str]:
    """Return the probable causes of the differences between a request and OSS's answer.

    Returns:
        Sentences; empty if OSS used the same texts, or did not send its texts.
    """
    if request.version == "V1":
        return list(_v1(request.string_to_sign(), answer.string_to_sign))
    causes: list[str] = []
    if answer.canonical_request:
        causes += _canonical(request.canonical_request(), answer.canonical_request)
    if answer.string_to_sign:
        causes += _v4_string(request.string_to_sign(), answer.string_to_sign)
    return causes


def _canonical(ours: str, theirs: str) -> Iterator[str]:
    """Yield a sentence for each difference between two canonical requests."""
    mine, oss = ours.split("\n"), theirs.split("\n")
    if min(len(mine), len(oss)) < 3 + V4_FIELDS_AFTER_HEADERS:
        if mine != oss:
            yield "OSS's canonical request is incomplete; copy the whole answer."
        return
    yield from _method(mine[0], oss[0])
    yield from _path(mine[1], oss[1])
    yield from _named("query parameter", _query(mine[2]), _query(oss[2]))
    end = -V4_FIELDS_AFTER_HEADERS
    yield from _named("header", _headers(mine[3:end]), _headers(oss[3:end]))
    if mine[-2] != oss[-2]:
        yield (
            f"The additional headers differ: the request signs {mine[-2]!r}, and OSS expects"
            f" {oss[-2]!r}. Additional headers are headers such as Host that only"
            " AdditionalHeaders adds to the signature."
        )
    if mine[-1] != oss[-1]:
        yield (
            f"The payload differs: the request signs {mine[-1]!r}, and OSS expects {oss[-1]!r};"
            " send x-oss-content-sha256: UNSIGNED-PAYLOAD."
        )


def _v4_string(ours: str, theirs: str) -> Iterator[str]:
    mine, oss = ours.split("\n"), theirs.split("\n")
    if len(oss) != len(mine):
        yield "OSS's string to sign is incomplete; copy the whole answer."
        return
    if mine[1] != oss[1]:
        yield (
            f"The date differs: the request has {mine[1]}, and OSS received {oss[1]}; a proxy"
            " changed the date, or the answer belongs to another request."
        )
    if mine[2] != oss[2]:
        yield from _scope(mine[2].split("/"), oss[2].split("/"))


def _scope(mine: list[str], oss: list[str]) -> Iterator[str]:
    if mine[:1] != oss[:1]:
        yield (
            f"The day of the credential differs: the request has {mine[0]}, and OSS expects"
            f" {oss[0]}; x-oss-date and Credential need the same day in UTC."
        )
    if mine[1:2] != oss[1:2]:
        yield (
            f"The region differs: the request is signed for {mine[1]}, and OSS expects"
            f" {''.join(oss[1:2])}; sign for the region of the bucket (OSSFERRY_REGION)."
        )


def _v1(ours: str, theirs: str) -> Iterator[str]:
    """Yield a sentence for each difference between two strings to sign of V1."""
    mine, oss = ours.split("\n"), theirs.split("\n")
    if not theirs or mine == oss:
        return
    if min(len(mine), len(oss)) < 5:
        yield "OSS's string to sign is incomplete; copy the whole answer."
        return
    yield from _method(mine[0], oss[0])
    for name, at in (("Content-MD5", 1), ("Content-Type", 2), ("date", 3)):
        yield from _named("header", {name: mine[at]}, {name: oss[at]})
    yield from _named("header", _headers(mine[4:-1]), _headers(oss[4:-1]))
    (path, _, query), (oss_path, _, oss_query) = mine[-1].partition("?"), oss[-1].partition("?")
    yield from _path(path, oss_path)
    yield from _named("query parameter", _query(query), _query(oss_query))


def _method(ours: str, theirs: str) -> Iterator[str]:
    if ours != theirs:
        yield (
            f"The method differs: the request is {ours}, and OSS received {theirs}; a proxy or a"
            " redirect changed it, or the answer belongs to another request."
        )


def _path(ours: str, theirs: str) -> Iterator[str]:
    if ours == theirs:
        return
    bucket, oss_bucket = ours.split("/")[1], theirs.removeprefix("/").split("/")[0]
    if bucket != oss_bucket:
        yield (
            f"The bucket differs: the request names {bucket!r}, and OSS received {oss_bucket!r};"
            " check the host name, and the bucket to which a custom domain is bound."
        )
    elif unquote(theirs) == ours or quote(ours, safe="/") == theirs:
        yield (
            "The path was encoded twice: OSS decodes it once, and the key still has percent signs;"
            " the client or a proxy encoded an encoded path again."
        )
    elif unquote(ours) == theirs:
        yield (
            "The path was decoded on its way: a proxy decoded percent signs before it passed the"
            " request on; let it pass the path unchanged."
        )
    else:
        yield (
            f"The key differs: the request has {unquote(ours)!r}, and OSS received"
            f" {unquote(theirs)!r}; a proxy rewrites or normalizes paths."
        )


def _named(kind: str, ours: Mapping[str, str], theirs: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each header or query parameter that differs."""
    for name in sorted(ours.keys() | theirs.keys()):
        mine, oss = ours.get(name), theirs.get(name)
        if mine == oss:
            continue
        is_secret = name.endswith("security-token")
        shown = [repr("…" if is_secret else text) for text in (mine, oss) if text is not None]
        if mine is None:
            yield (
                f"The {kind} {name} differs: OSS received {shown[0]}, and the request does not have"
                f" it; a proxy or the browser added it after the request was signed."
            )
        elif oss is None:
            yield (
                f"The {kind} {name} differs: the request has {shown[0]}, and OSS did not receive"
                " it; a proxy removed it."
            )
        else:
            yield (
                f"The {kind} {name} differs: the request has {shown[0]}, and OSS received"
                f" {shown[1]}; a proxy or the browser changed it."
            )


def _query(text: str) -> dict[str, str]:
    pairs = (item.partition("=") for item in text.split("&") if item)
    return {unquote(name): unquote(value) for name, _, value in pairs}


def _headers(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines if line)
    return {name: value for name, _, value in pairs}
