"""A claim: the results of a file's checks, as this page reports them to the ossferry server.

The server stores the claim in the receipt, and has no proof of it. The server would refuse a report
with a claim that is too long, so sentences are cut, and characters that a database cannot store are
replaced.
"""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    ReportFields = tuple[str, int, str, str, dict[str, Any] | None]

MAX_CHECKS = 50
MAX_NAME = 100  # characters
MAX_SAYS = 500  # characters of a sentence
MAX_BYTES = 8000  # of the claim as JSON
CUT = "…"
UNKNOWN = "\ufffd"


def short_claim(checks: "dict[str, Any] | None") -> "dict[str, Any] | None":
    """Return the results of a file's checks as this page reports them to the ossferry server.

    So that the server accepts the report, texts are cut to `MAX_SAYS` characters or fewer, and only
    `version` and, for the first `MAX_CHECKS` checks, `check`, `outcome` and `says` are kept. The
    result is `None` if no check ran.

    Args:
        checks: the results, in the form that `Upload.checks` describes; `None` if no check ran.
    """
    if not checks or not checks["ran"]:
        return None
    most = MAX_SAYS
    while True:
        claim = {
            "version": checks["version"],
            "ran": [_entry(entry, most) for entry in checks["ran"][:MAX_CHECKS]],
        }
        if len(json.dumps(claim).encode()) <= MAX_BYTES:
            return claim
        most //= 2


def _entry(ran: "dict[str, Any]", most: int) -> "dict[str, str]":
    return {
        "check": _cut(ran["check"], min(most, MAX_NAME)),
        "outcome": ran["outcome"],
        "says": _cut(ran["says"], most),
    }


def _cut(text: str, most: int) -> str:
    kept = text if len(text) <= most else text[: most - 1] + CUT
    return "".join([UNKNOWN if _is_unstorable(char) else char for char in kept])


def _is_unstorable(char: str) -> bool:
    """Return whether a character is a zero byte or half of a surrogate pair."""
    return char == "\0" or 0xD800 <= ord(char) <= 0xDFFF
