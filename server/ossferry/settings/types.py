"""Types that validate the values of single options."""

import base64
import binascii
import json
import re
from itertools import pairwise
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

import limits
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
)
from pydantic_settings import NoDecode

from ossferry.settings.choices import Auth, FrameLevel

MAX_OBJECT_SIZE = 48_800_000_000_000
"""Bytes; OSS stores objects of up to 48.8 TB."""

MIN_SECRET_LENGTH = 32
MIN_STEPS = 8
"""Different steps from one character to the next: random digits have more, sequences have fewer."""

MAX_AGAIN = 0.3
"""The largest part of a secret's three-character sequences that may be repetitions."""

WEBHOOK_PREFIX = "whsec_"
WORDS = (
    "change",
    "default",
    "example",
    "ossferry",
    "passwd",
    "password",
    "placeholder",
    "please",
    "qwerty",
    "random",
    "replace",
    "secret",
)
"""Words of placeholders; a random text contains such a word only once in millions of cases."""

MAX_DESCRIPTION = 256
"""Characters; OSS accepts 8,192 bytes of metadata, and other metadata need most of them."""

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*"
HOST_NAME = re.compile(_NAME, re.IGNORECASE)
"""A host name by the rules of DNS; IPv4 addresses match too."""

_IPV6 = re.compile(r"\[[0-9a-f:.]+\]", re.IGNORECASE)

RETURN_ADDRESS = "{return}"
"""In the address of a sign-in page, stands for the page that the person came from."""

MIN_WEBHOOK_KEY = 24
"""Bytes; the minimum of the Standard Webhooks specification."""


def _origin(value: str) -> str:
    """Return an origin in the normalized form that browsers use.

    Programs disagree about the host of a URL that contains a backslash, a space or a control
    character. Therefore the host may contain only the characters of host names.

    Args:
        value: `scheme://host` or `scheme://host:port`.

    Raises:
        ValueError: the value is not an origin.
    """
    parts = urlsplit(value.rstrip("/"))
    _ = parts.port  # raises ValueError if the port is not a number
    bare = f"{parts.scheme}://{parts.netloc}" == value.rstrip("/") and parts.hostname
    if not bare or parts.scheme not in ("http", "https") or "@" in parts.netloc:
        raise ValueError("must look like https://host or https://host:port")
    if "*" in value:
        raise ValueError("must be exact, without wildcards")
    host = re.sub(r":[0-9]+$", "", parts.netloc)
    if not (HOST_NAME.fullmatch(host) or _IPV6.fullmatch(host)):
        raise ValueError("must have a plain host name: letters, digits, dots and hyphens")
    return value.rstrip("/").lower().removesuffix({"http": ":80", "https": ":443"}[parts.scheme])


def _rate(value: str) -> str:
    try:
        (item,) = limits.parse_many(value)
    except ValueError as error:
        raise ValueError("must look like 60/minute") from error
    if item.amount < 1:
        raise ValueError("must let somebody in; 1/minute is the least")
    return value


def file_type(value: str) -> str:
    """Validate an allowed file type, and return it in lower case.

    Args:
        value: one value of HTML's `accept`, such as `image/*`, `application/pdf` or `.csv`.

    Raises:
        ValueError: the value is malformed.
    """
    value = value.lower()
    if not re.fullmatch(r"\.[a-z0-9_.+-]+|[a-z]+/([a-z0-9][a-z0-9.+-]*|\*)", value):
        raise ValueError("must look like image/*, application/pdf or .csv")
    return value


def _long(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < MIN_SECRET_LENGTH:
        raise ValueError(f"must have at least {MIN_SECRET_LENGTH} characters")
    if _is_guessable(value.get_secret_value()):
        raise ValueError("must be random, such as what `openssl rand -hex 32` prints")
    return value


def _is_guessable(secret: str) -> bool:
    """Return whether a secret has a word such as `example`, repetitions or sequences."""
    small, letters = secret.lower(), bare(secret)
    steps = {ord(later) - ord(first) for first, later in pairwise(small)}
    if len(steps) < MIN_STEPS or any(word in letters for word in WORDS):
        return True
    threes = [small[start : start + 3] for start in range(len(small) - 2)]
    return 1 - len(set(threes)) / len(threes) > MAX_AGAIN


def bare(secret: str) -> str:
    """Return only the letters and digits of a secret, in lower case.

    The caller searches the result for words such as `example`, or for a well-known secret.
    """
    return "".join(char for char in secret.lower() if char.isalnum())


def webhook_key(secret: str) -> bytes:
    """Return the key that signs webhook events, from the secret in the settings.

    If the secret has the prefix `whsec_` of Standard Webhooks, the rest of the secret is decoded
    from base64. Any other secret is used as the key without decoding.

    Raises:
        ValueError: the text after the prefix is not base64 of at least 24 bytes.
    """
    if not secret.startswith(WEBHOOK_PREFIX):
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix(WEBHOOK_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if len(key) < MIN_WEBHOOK_KEY:
        raise ValueError(
            f"must have base64 after {WEBHOOK_PREFIX}, of {MIN_WEBHOOK_KEY} bytes or more"
        )
    return key


def _webhook_secret(value: SecretStr) -> SecretStr:
    webhook_key(value.get_secret_value())
    return value


def _with_levels(value: object) -> object:
    """Return a list of origins as a dictionary with the level `counts` for each origin."""
    if isinstance(value, list | tuple):
        return dict.fromkeys(value, "counts")
    return value


def _sign_in_url(value: str) -> str:
    """Return the address of a sign-in page.

    Raises:
        ValueError: the value is neither a path of this host nor a complete URL.
    """
    if not re.fullmatch(r"(/(?![/\\])|https?://[^/?#]+[/?]).*", value):
        raise ValueError("must look like /sign-in?next={return} or https://host/sign-in")
    if not re.fullmatch(r"[!-;=?-~]+", value) or "\\" in value:
        raise ValueError("must be percent-encoded")
    if not value.startswith("/"):
        _origin("/".join(value.partition("?")[0].split("/")[:3]))
    return value


def _like(pattern: str, words: str) -> AfterValidator:
    """Return a validator that refuses text without this pattern; `words` end the message."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must look like {words}")
        return value

    return AfterValidator(check)


Origin: TypeAlias = Annotated[str, AfterValidator(_origin)]
FrameOrigins: TypeAlias = Annotated[dict[Origin, FrameLevel], BeforeValidator(_with_levels)]
Rate: TypeAlias = Annotated[str, AfterValidator(_rate)]
LongSecret: TypeAlias = Annotated[SecretStr, AfterValidator(_long)]
WebhookSecret: TypeAlias = Annotated[LongSecret, AfterValidator(_webhook_secret)]
BucketName: TypeAlias = Annotated[
    str,
    _like(
        "[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
        "my-uploads, with 3 to 63 lower-case letters, digits and hyphens",
    ),
]
Region: TypeAlias = Annotated[str, _like("[a-z]{2,}-[a-z0-9-]+", "cn-hangzhou")]
FileType: TypeAlias = Annotated[str, AfterValidator(file_type)]
Clamd: TypeAlias = Annotated[
    str,
    _like(
        r"(/[^\0]+|([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5})?",
        "/run/clamav/clamd.ctl or host:3310",
    ),
]
ScannerUrl: TypeAlias = Annotated[
    str,
    _like(
        r"(https://[A-Za-z0-9.:-]+/[!-~]*|http://([A-Za-z0-9-]+|127\.0\.0\.1)(:[0-9]+)?/[!-~]*)?",
        "https://host/path",
    ),
]
RoleArn: TypeAlias = Annotated[
    str,
    _like(r"acs:ram::[0-9]+:role/[A-Za-z0-9_.-]+", "acs:ram::1000000000000000:role/oss-web-upload"),
]
SignInUrl: TypeAlias = Annotated[str, AfterValidator(_sign_in_url)]
HeaderName: TypeAlias = Annotated[
    str, StringConstraints(to_lower=True), _like("[a-z][a-z0-9-]*", "x-forwarded-user")
]


def _one_or_several(value: object) -> object:
    """Return a list for one word; decode a list in JSON."""
    if not isinstance(value, str):
        return value
    if not value.startswith("["):
        return [value]
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError(
            'must be one word, or a list in JSON such as ["oidc", "apikey"]'
        ) from error


def _object(value: object) -> object:
    """Decode an object in JSON; return None for None.

    Raises:
        ValueError: the text is no object of texts, or is too long for a header.
    """
    if value is None:
        return None
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise ValueError('must be an object of texts in JSON, such as {"key": "2027"}')
    if len(json.dumps(found)) > MAX_DESCRIPTION:
        raise ValueError(f"must not be longer than {MAX_DESCRIPTION} characters in JSON")
    return found


class MoreLimits(BaseModel):
    """Limits of sizes in bytes, and the number of files; None for no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_file_size: int = Field(default=0, ge=0)
    min_files: int = Field(default=0, ge=0)
    max_total_size: int | None = Field(default=None, ge=1)


Description: TypeAlias = Annotated[dict[str, str] | None, NoDecode, BeforeValidator(_object)]


def _without_repetition(value: tuple[Auth, ...]) -> tuple[Auth, ...]:
    if len(set(value)) < len(value):
        raise ValueError("must name each method once")
    return value


Methods: TypeAlias = Annotated[
    tuple[Auth, ...],
    NoDecode,
    BeforeValidator(_one_or_several),
    AfterValidator(_without_repetition),
]
"""Methods of identifying people and programs."""
