"""OSS V4 signatures (OSS4-HMAC-SHA256): one function for each stage of the specification.

No function reads a clock or changes its arguments: `sign_headers` returns new headers. Headers are
lists of `(name, value)`, with names in upper or lower case. Queries are lists of `(name, value or
None)`.

Source: OSS developer reference, "Include a V4 signature in the Authorization header".
"""

import hashlib

from ossferry_uploader.oss.encoding import percent_encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Header = tuple[str, str]
    Parameter = tuple[str, str | None]

ALGORITHM = "OSS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
HMAC_BLOCK = 64  # bytes


class Credentials:
    """STS credentials: access key id, access key secret and security token.

    The attribute `form` caches the signed fields for PostObject as `(fields, time of the signature
    in seconds since 1970)`; it is `None` until a form has been signed.
    """

    def __init__(
        self, access_key_id: str, access_key_secret: str, security_token: str | None = None
    ) -> None:
        self.access_key_id = access_key_id
        self.access_key_secret = access_key_secret
        self.security_token = security_token
        self.form: tuple[Sequence[Header], float] | None = None
        self._pads: dict[tuple[str, str], tuple[bytes, bytes]] = {}

    def forget(self) -> None:
        """Delete the access key, the security token and all values derived from them.

        All code that refers to this object loses the secrets too.
        """
        self.access_key_id = self.access_key_secret = ""
        self.security_token = self.form = None
        self._pads = {}

    def signing_pads(self, date: str, region: str) -> "tuple[bytes, bytes]":
        """Return the V4 signing key of one day and region as the argument `pads` of `hmac_sha256`.

        The result is cached in this object.

        Args:
            date: a text that begins with the date as `yyyymmdd`.
        """
        day = (date[:8], region)
        pads = self._pads.get(day)
        if pads is None:
            key = signing_key(self.access_key_secret, date=date, region=region)
            pads = self._pads[day] = hmac_pads(key)
        return pads

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id[:4]}…{self.access_key_id[-4:]})"


def canonical_uri(bucket: str | None, key: str) -> str:
    """Return the canonical URI: the percent-encoded `/bucket/key`, or `/` if there is no bucket.

    Slashes are not encoded. The result does not depend on the host of the request.
    """
    if not bucket:
        return "/"
    return percent_encode(f"/{bucket}/{key}", safe="/")


def canonical_query(query: "Sequence[Parameter]") -> str:
    """Return the canonical query: encoded parameters, sorted by name and joined with `&`.

    A parameter whose value is `None` has no `=`.
    """
    encoded = [(percent_encode(name), percent_encode(value or "")) for name, value in query]
    return "&".join([f"{name}={value}" if value else name for name, value in sorted(encoded)])


def signed_headers(headers: "Sequence[Header]", additional: "Sequence[str]" = ()) -> "list[Header]":
    """Return the headers that the signature covers, sorted by name.

    These are `content-type`, `content-md5`, all headers that begin with `x-oss-`, and the headers
    in `additional`. The names are in lower case; spaces around the values are removed.

    Args:
        headers: all headers of the request.
        additional: names of other headers to sign.
    """
    chosen = [name.lower() for name in additional]
    pairs = [(name.lower(), value.strip()) for name, value in headers]
    return sorted([pair for pair in pairs if _always_signed(pair[0]) or pair[0] in chosen])


def additional_headers(additional: "Sequence[str]") -> str:
    """Return the additional headers' names as the canonical request needs them, such as `a;b`.

    The names are in lower case and sorted. Names of headers that are always signed (`content-type`,
    `content-md5`, `x-oss-*`) are left out.
    """
    return ";".join(sorted({n.lower() for n in additional if not _always_signed(n.lower())}))


def _always_signed(name: str) -> bool:
    return name[:6] == "x-oss-" or name in ("content-type", "content-md5")


def canonical_request(
    method: str,
    bucket: str | None,
    key: str,
    *,
    query: "Sequence[Parameter]" = (),
    headers: "Sequence[Header]" = (),
    additional: "Sequence[str]" = (),
) -> str:
    """Return the canonical request: a text with all data of a request that the signature covers.

    The text has six fields: method, URI, query, signed headers, names of the additional headers,
    and the value of the header `x-oss-content-sha256` (without it, `UNSIGNED-PAYLOAD`). `key` and
    `query` are not percent-encoded; the function encodes them.
    """
    signed = signed_headers(headers, additional)
    lines = [method, canonical_uri(bucket, key), canonical_query(query)]
    lines += [
        ":".join(pair) for pair in signed
    ]  # `lines`, not text: a long token is copied only once
    payload = [value for name, value in signed if name == "x-oss-content-sha256"]
    lines += ["", additional_headers(additional), payload[0] if payload else UNSIGNED_PAYLOAD]
    return "\n".join(lines)


def scope(date: str, region: str) -> str:
    """Return the credential scope, such as `20260314/cn-hangzhou/oss/aliyun_v4_request`.

    Args:
        date: a text that begins with the date as `yyyymmdd`.
    """
    return f"{date[:8]}/{region}/oss/aliyun_v4_request"


def string_to_sign(request: str, *, date: str, region: str) -> str:
    """Return the string to sign for a canonical request, the input of `signature`.

    The text has four lines: algorithm, date, credential scope and SHA-256 of the canonical request.

    Args:
        request: the canonical request.
        date: the value of the `x-oss-date` header.
    """
    digest = hashlib.sha256(request.encode()).digest().hex()
    return "\n".join([ALGORITHM, date, scope(date, region), digest])


def signing_key(secret: str, *, date: str, region: str) -> bytes:
    """Return the key that signs all requests of one day in one region (32 bytes).

    Args:
        secret: the access key secret.
        date: a text that begins with the date as `yyyymmdd`.
    """
    key = ("aliyun_v4" + secret).encode()
    for step in (date[:8], region, "oss", "aliyun_v4_request"):
        key = hmac_sha256(hmac_pads(key), step.encode())
    return key


def signature(key: bytes, text: str) -> str:
    """Return the HMAC-SHA256 of `text` as 64 lower-case hex digits.

    Args:
        key: the HMAC key, from `signing_key`.
        text: the string to sign, from `string_to_sign`.
    """
    return hmac_sha256(hmac_pads(key), text.encode()).hex()


def hmac_pads(key: bytes) -> "tuple[bytes, bytes]":
    """Return the two precomputed values that `hmac_sha256` needs for a key.

    They are the key XOR the inner pad, and the key XOR the outer pad (RFC 2104).
    """
    if len(key) > HMAC_BLOCK:
        key = hashlib.sha256(key).digest()
    key += bytes(HMAC_BLOCK - len(key))
    return bytes([byte ^ 0x36 for byte in key]), bytes([byte ^ 0x5C for byte in key])


def hmac_sha256(pads: "tuple[bytes, bytes]", message: bytes) -> bytes:
    """Return the HMAC-SHA256 of a message (RFC 2104).

    MicroPython's `hmac` takes ten times as long.

    Args:
        pads: the result of `hmac_pads` for the key.
    """
    inner, outer = pads
    return hashlib.sha256(outer + hashlib.sha256(inner + message).digest()).digest()


def sign_headers(
    credentials: Credentials,
    method: str,
    bucket: str | None,
    key: str,
    *,
    date: str,
    region: str,
    query: "Sequence[Parameter]" = (),
    headers: "Sequence[Header]" = (),
    additional: "Sequence[str]" = (),
) -> "list[Header]":
    """Return a copy of `headers` with a V4 signature in the header `Authorization`, the last one.

    Also added are `x-oss-date`, `x-oss-content-sha256` and, if the credentials have a security
    token, `x-oss-security-token`.

    Args:
        date: the value of the `x-oss-date` header, such as `20260314T092653Z`.
        headers: must contain all other headers of the request that OSS expects to be signed:
            `content-type`, `content-md5` and names that begin with `x-oss-`.
        additional: names of other headers to sign.
    """
    out = list(headers)
    out += [("x-oss-date", date), ("x-oss-content-sha256", UNSIGNED_PAYLOAD)]
    if credentials.security_token:
        out.append(("x-oss-security-token", credentials.security_token))
    request = canonical_request(
        method, bucket, key, query=query, headers=out, additional=additional
    )
    text = string_to_sign(request, date=date, region=region)
    signed = hmac_sha256(credentials.signing_pads(date, region), text.encode()).hex()
    extra = additional_headers(additional)
    fields = [f"Credential={credentials.access_key_id}/{scope(date, region)}"]
    if extra:
        fields.append(f"AdditionalHeaders={extra}")
    fields.append(f"Signature={signed}")
    out.append(("Authorization", f"{ALGORITHM} {','.join(fields)}"))
    return out
