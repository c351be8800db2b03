"""Takes secrets out of text on its way to any sink: by value, and by what they look like.

A value is known when it is one of the settings. A look is known for credentials of the cloud, API
keys, signed tokens, signatures and passwords in addresses. This is the last net: nothing of ours
logs a secret on purpose.
"""

import re
from collections.abc import Iterable

__all__ = ["Redactor"]

HIDDEN = "[hidden]"
LOOKS = re.compile(
    r"""
    \b(?:STS\.|LTAI)[A-Za-z0-9_.-]{4,}               # access key ids of the cloud
    | \bosf_[a-z2-7]{8}_[a-z2-7]{8,}                  # API keys of ours
    | \beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_=-]*){1,4} # signed or sealed tokens
    | \bCAIS[A-Za-z0-9+/=]{16,}                       # security tokens of the cloud
    | (?<=://)[^/\s:@"']*:[^/\s@"']+(?=@)             # user and password in an address
    | (?i:(?<=\bbearer\s)|(?<=\bbasic\s))[A-Za-z0-9+/=._~-]{6,}
    | (?i:["']?(?:access_?key_?secret|security_?token)["']?\s*[:=]\s*["']?)[^&\s"'<>;,}]+
    | (?i:(?<=signature=)|(?<=security-token=)|(?<=client_secret=)
        |(?<=password=)|(?<=code_verifier=)|(?<=[?&]code=))[^&\s"'<>;,]+
    """,
    re.VERBOSE,
)
MARKS = (
    "sts.", "ltai", "osf_", "eyj", "cais", "://", "bearer", "basic",
    "signature=", "token", "secret", "password=", "verifier=", "code=",
)  # fmt: skip
"""A text without any of these looks like no secret; telling so is cheap."""
MIN_LENGTH = 6
"""A known value shorter than this would hide half of every line."""


class Redactor:
    """Hides what looks like a secret, and the values that it was given."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        known = {value for value in values if len(value) >= MIN_LENGTH}
        self._known = sorted(known, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        for value in self._known:
            text = text.replace(value, HIDDEN)
        lowered = text.lower()
        if any(mark in lowered for mark in MARKS):
            return LOOKS.sub(HIDDEN, text)
        return text
