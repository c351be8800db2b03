"""Explains the signature of a request: whether it is right, and the probable cause if it is not."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ossferry.signatures.answers import OssAnswer
from ossferry.signatures.differences import why_oss_differs
from ossferry.signatures.mistakes import find_mistake
from ossferry.signatures.signed import SignedRequest

__all__ = [
    "Explanation",
    "causes_of_code",
    "causes_of_scope",
    "explain",
    "hashed",
    "without_tokens",
]

TOKEN = re.compile(r"(security-token(?:[:=]|%3D))([^\s&]+)", re.IGNORECASE)
NEVER_SIGNATURE = {
    "AccessDenied": "OSS accepted the signature; a policy, or the object's rights, refuse the"
    " request.",
    "InvalidAccessKeyId": "OSS does not know the access key id, or the security token is missing.",
    "InvalidSecurityToken": "The security token is damaged, or belongs to other credentials.",
    "SecurityTokenExpired": "The credentials have expired; get new ones.",
    "NoSuchKey": "OSS accepted the signature; there is no object with this key.",
}
"""Maps codes of OSS that say something else than a wrong signature to sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The texts of a signature, and what is wrong with it.

    Attributes:
        expected: the signature that the secret gives for the request; empty without a secret.
        causes: sentences, the most important first; the first one also says if nothing is wrong.
    """

    canonical_request: str
    string_to_sign: str
    expected: str
    causes: list[str]


def explain(
    request: SignedRequest, *, secret: str = "", answer: OssAnswer | None = None, now: datetime
) -> Explanation:
    """Return the texts of a signature, and the probable causes for which OSS refuses it.

    Args:
        secret: the access key secret; empty if it is unknown.
        answer: OSS's answer to this request; None if it is unknown.
    """
    expected = request.signature(secret) if secret else ""
    causes = [
        *causes_of_code(answer),
        *(why_oss_differs(request, answer) if answer else []),
        *_of_fields(request, now),
    ]
    if not causes or (expected and expected != request.provided):
        saw_oss = answer is not None and bool(answer.canonical_request or answer.string_to_sign)
        causes += _of_signature(request, secret, expected, saw_oss=saw_oss)
    return Explanation(
        canonical_request=request.canonical_request(),
        string_to_sign=request.string_to_sign(),
        expected=expected,
        causes=causes,
    )


def causes_of_code(answer: OssAnswer | None) -> Iterator[str]:
    """Yield a sentence about an answer that names another reason than a wrong signature."""
    if answer is None:
        return
    if answer.code == "RequestTimeTooSkewed" and answer.request_time and answer.server_time:
        late = (answer.server_time - answer.request_time).total_seconds()
        words = "behind" if late > 0 else "ahead of"
        yield (
            f"The client's clock is {abs(late) / 60:.0f} minutes {words} OSS's clock; OSS allows"
            " 15 minutes."
        )
    elif answer.code in NEVER_SIGNATURE and "expired" not in answer.message:
        yield NEVER_SIGNATURE[answer.code]


def _of_fields(request: SignedRequest, now: datetime) -> Iterator[str]:
    """Yield a sentence for each field of the signature that contradicts another one."""
    yield from causes_of_scope(
        day=request.day,
        date=request.date,
        region=request.region,
        endpoint_region=request.endpoint_region,
    )
    if request.place == "query":
        yield from _of_expiry(request, now)


def causes_of_scope(*, day: str, date: str, region: str, endpoint_region: str) -> Iterator[str]:
    """Yield a sentence for each part of a credential that contradicts another part of a request.

    The arguments are as in `SignedRequest`.
    """
    if day and day != date[:8]:
        yield (
            f"The credential names the day {day}, and x-oss-date is {date}; both need the same day"
            " in UTC."
        )
    if region.startswith("oss-"):
        yield f"The credential names the region {region}; write it without `oss-`."
    elif endpoint_region and region not in ("", endpoint_region):
        yield (
            f"The request is signed for the region {region} and sent to {endpoint_region}; sign for"
            " the region of the bucket (OSSFERRY_REGION)."
        )


def _of_expiry(request: SignedRequest, now: datetime) -> Iterator[str]:
    expires = request.query.get("x-oss-expires", "") if request.version == "V4" else request.date
    if not re.fullmatch("[0-9]{1,12}", expires):
        yield "The link has no valid expiry time: it needs a number of seconds."
        return
    if request.version == "V1":
        end = datetime.fromtimestamp(min(int(expires), 1 << 36), UTC)
    elif not 1 <= int(expires) <= 604_800:
        yield f"The link is signed for {expires} seconds; OSS allows 1 to 604800 (7 days)."
        return
    else:
        start = datetime.strptime(request.date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        end = start + timedelta(seconds=int(expires))
    if end <= now:
        yield f"The link expired at {end:%Y-%m-%d %H:%M:%S} UTC; create a new one."


def _of_signature(
    request: SignedRequest, secret: str, expected: str, *, saw_oss: bool
) -> Iterator[str]:
    if not secret:
        yield (
            "OSS signed the same text as this request has: the client used another secret, or"
            " signed another text than it sent. Give the secret to see which."
            if saw_oss
            else "The signature cannot be checked without the secret (--secret-file), or OSS's"
            " answer (--response)."
        )
    elif expected == request.provided:
        yield (
            "The signature is right for this request and this secret, and OSS signed the same"
            f" text: OSS has another secret for the access key {request.access_key_id}."
            if saw_oss
            else "The signature is right for this request and this secret. If OSS refuses it,"
            " OSS received another request: give its answer with --response."
        )
    else:
        yield find_mistake(request, secret) or (
            "No common mistake explains the signature: the client used another secret, or signed"
            " another text than it sent."
        )


def without_tokens(text: str) -> str:
    """Return a text in which a short hash replaces each security token, which is a secret."""

    return TOKEN.sub(lambda found: f"{found[1]}{hashed(found[2])}", text)


def hashed(token: str) -> str:
    """Return a text that shows whether two tokens are equal, and not more."""
    return f"…(sha256 {hashlib.sha256(token.encode()).hexdigest()[:8]}…)"
