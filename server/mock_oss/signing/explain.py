"""Explanations of signature mismatches, for the journal.

A server receives a signature, but not the text that the client signed. This module therefore tries
common mistakes of clients. For each mistake, and for pairs of mistakes, the module changes the
request and computes the signature. If the computed signature is the client's signature, the cause
is found. An explanation requires thousands of signatures. The mock therefore computes an
explanation only when `why` of the journal record is read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, islice, zip_longest
from typing import Any

from mock_oss.signing.cases import Case
from mock_oss.signing.mistakes import likely

MAX_PAIRS = 4_000
UNKNOWN = (
    "no common mistake explains this signature: the client used another secret, or signed a value "
    "that cannot be guessed; compare() finds the difference if you give it the text that the "
    "client signed"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The data with which the mock explains why a request has a wrong signature.

    `secret` is the secret of the access key in this request. `other_secrets` yields the (access key
    id, secret) pairs of all users. `earlier` yields earlier requests with the same signature whose
    signature was not wrong.
    """

    secret: str
    other_secrets: Iterable[tuple[str, str]] = ()
    earlier: Iterable[Case] = ()


def first_difference(ours: str, theirs: str) -> dict[str, object]:
    """Find the first byte that differs between the expected and the signed text.

    Args:
        ours: the text that the mock expected.
        theirs: the text that the client signed.

    Returns:
        A dict, empty if the texts are equal. `offset` is the index of the byte. `line` is the
        line number, counted from 1. `expected` and `signed` are the texts from this byte to
        the end of the line, at most 120 bytes.
    """
    left, right = ours.encode(), theirs.encode()
    pairs = enumerate(zip_longest(left, right))
    offset = next((at for at, (ours_at, theirs_at) in pairs if ours_at != theirs_at), None)
    if offset is None:
        return {}
    return {
        "offset": offset,
        "line": left[:offset].count(b"\n") + 1,
        "expected": _rest_of_line(left, offset),
        "signed": _rest_of_line(right, offset),
    }


def _rest_of_line(text: bytes, offset: int) -> str:
    return text[offset:].partition(b"\n")[0][:120].decode(errors="replace")


def explanation(case: Case, evidence: Evidence) -> dict[str, Any]:
    """Return the explanation of a signature mismatch, as JSON-ready details for the journal.

    Args:
        case: the refused request.
        evidence: secrets and other requests, which can show what the client signed.

    Returns:
        A dict. `kind` is `signature`, and `cause` a sentence about the probable mistake.
        `expected_string_to_sign` and, for V4, `expected_canonical_request` are the correct texts.
        If the text that the client signed is found, the dict also contains `first_difference`,
        `signed_string_to_sign` and, for V4, `signed_canonical_request`.
    """
    ours = case.text()
    why: dict[str, Any] = {"kind": "signature", "cause": UNKNOWN}
    why |= {f"expected_{name}": text for name, text in case.texts(ours).items()}
    for cause, theirs in _candidates(case, evidence):
        if case.produces_signature(theirs, evidence.secret):
            why["cause"] = cause
            why |= {f"signed_{name}": text for name, text in case.texts(theirs).items()}
            why["first_difference"] = first_difference(ours, theirs)
            return why
    for owner, other in evidence.other_secrets:
        if case.produces_signature(ours, other):
            why["cause"] = f"signed with the secret of {owner}"
    return why


def _candidates(case: Case, evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Yield possible mistakes of the client, the most likely mistakes first.

    Yields:
        Pairs of a sentence that describes the mistake, and the text that the client signed if it
        made this mistake.
    """
    for other in evidence.earlier:
        yield _what_changed(case, other), other.text()
    singles = likely(case)
    for cause, change in singles:
        yield cause, change(case).text()
    for first, second in islice(combinations(singles, 2), MAX_PAIRS):
        yield f"{first[0]}, and {second[0]}", second[1](first[1](case)).text()


def _what_changed(case: Case, earlier: Case) -> str:
    """Return a sentence that lists the differences between two requests with the same signature.

    Args:
        case: the refused request.
        earlier: an accepted request.
    """
    before, now = _parts(earlier), _parts(case)
    changes = [
        f"{part} was {_shown(before.get(part))} and is {_shown(now.get(part))}"
        for part in dict.fromkeys((*before, *now))
        if before.get(part) != now.get(part)
    ]
    return f"this signature was accepted before, for another request: {'; '.join(changes)}"


def _parts(case: Case) -> dict[str, list[str]]:
    """Return the parts of a request that the signature covers: {description: values}."""
    parts = {"the method": [case.method], "the bucket": [case.bucket], "the key": [case.key]}
    parts |= {f"the header {name}": [value] for name, value in case.signed_headers().items()}
    for name, value in case.signed_query():
        parts.setdefault(f"the query parameter {name}", []).append(value)
    return parts


def _shown(values: list[str] | None) -> str:
    return ", ".join(map(repr, values)) if values else "not sent"
