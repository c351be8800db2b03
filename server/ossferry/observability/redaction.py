"""Redaction of secrets in text before the text is written.

Two kinds of secrets are redacted: the secret values of the settings, and text in the format of a
secret. These formats are cloud credentials, API keys, signed tokens, signatures, and passwords in
URLs. Redaction is only an additional protection, because this project's code does not log secrets.
"""

import re
from collections.abc import Iterable

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
"""A text without any of these contains no recognizable secret; this cheap check avoids the
regex.
"""
MIN_LENGTH = 6
"""Shorter values are not redacted, because they would hide parts of ordinary words."""


class Redactor:
    """A callable that returns a text with all secrets replaced by `[hidden]`.

    Secrets are the given values, and text in the format of cloud credentials, API keys, signed
    tokens, signatures, or passwords in URLs.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        known = {value for value in values if len(value) >= MIN_LENGTH}
        self._known = sorted(known, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text with each secret replaced by `[hidden]`."""
        for value in self._known:
            text = text.replace(value, HIDDEN)
        lowered = text.lower()
        if any(mark in lowered for mark in MARKS):
            return LOOKS.sub(HIDDEN, text)
        return text
