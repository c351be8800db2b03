"""The grant: the server's permission to upload, with credentials, limits and an expiry time."""

from ossferry_uploader.oss.encryption import PublicKey
from ossferry_uploader.oss.requests import Bucket
from ossferry_uploader.oss.signing import Credentials
from ossferry_uploader.oss.times import from_iso
from ossferry_uploader.transfer.errors import GrantRefused
from ossferry_uploader.transfer.grants.limits import Limits
from ossferry_uploader.transfer.grants.quota import Left, read_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ossferry_uploader.oss.signing import Header


class Grant:
    """The permission to upload to a bucket below a key prefix, for a limited time.

    The grant contains temporary credentials. If the server does not give credentials to pages, it
    contains the fields of a signed form instead; then `credentials` has no secret, and the page can
    send only PostObject. Times are in seconds since 1970.
    """

    def __init__(
        self,
        *,
        credentials: Credentials,
        bucket: Bucket,
        prefix: str,
        expires_at_s: float,
        server_time_s: float,
        limits: Limits,
        principal: str,
        features: "list[str] | None" = None,
        left: "Left | None" = None,
        form: "list[Header] | None" = None,
        encryption: "PublicKey | None" = None,
        details: "list[dict[str, Any]] | None" = None,
    ) -> None:
        self.credentials = credentials
        self.bucket = bucket
        self.prefix = prefix
        self.expires_at_s = expires_at_s
        self.server_time_s = server_time_s
        self.limits = self._given_limits = limits
        self.principal = principal
        self.features = features or []  # names of optional features of the server
        self.left = left or Left()  # the remaining quota of this person
        self.form = form or []  # without key, content type and file; empty with credentials
        self.details = details or []  # the operator's fields that describe a file
        self.encryption = encryption  # encrypts the keys of files; `None` to send files as they are

    def narrow(self, limits: Limits) -> None:
        """Apply limits in addition to the server's; they replace the limits of an earlier call."""
        self.limits = limits.within(self._given_limits)

    def forget(self) -> None:
        """Delete the credentials and the signed form in this object.

        All code that refers to this object loses them too.
        """
        self.credentials.forget()
        self.form.clear()


def read_grant(document: "Any") -> Grant:
    """Return the grant in the server's response to `POST /api/grant`.

    Args:
        document: the parsed JSON document of the response.

    Raises:
        GrantRefused: a field is missing or malformed.
    """
    try:
        prefix = _text(document, "prefix")
        if not prefix.endswith("/") or prefix.startswith("/"):
            raise ValueError("prefix")
        return Grant(
            credentials=_credentials(document),
            bucket=_bucket(document),
            prefix=prefix,
            expires_at_s=from_iso(document["expiration"]),
            server_time_s=from_iso(document["server_time"]),
            limits=_limits(document["limits"]),
            principal=_text(document["principal"], "name"),
            left=read_left(document["limits"].get("quota")),
            features=[str(name) for name in document.get("features") or []],
            form=[(str(name), str(value)) for name, value in document.get("form") or []],
            encryption=_encryption(document.get("encryption")),
            details=[dict(field) for field in document.get("details") or []],
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise GrantRefused(200, detail=f"the grant is malformed: {error!r}")


def _credentials(document: "Any") -> Credentials:
    key_id = _text(document, "access_key_id")
    if document.get("form"):
        return Credentials(key_id, "")
    return Credentials(
        key_id, _text(document, "access_key_secret"), _text(document, "security_token")
    )


def _bucket(document: "Any") -> Bucket:
    """Return the bucket in the JSON document of a grant.

    The fields `origins`, `held` and `callback` of the document are optional, because older servers
    do not send them.
    """
    origins = document.get("origins") or []
    if not isinstance(origins, list):
        raise TypeError("origins")
    return Bucket(
        _text(document, "bucket"),
        _text(document, "region"),
        _text(document, "endpoint"),
        origins=[str(origin) for origin in origins],
        held=str(document.get("held") or ""),
        callback=str(document.get("callback") or ""),
    )


def _encryption(document: "Any") -> "PublicKey | None":
    """Return the operator's key; `None` if the field is missing, as in answers of older servers."""
    if document is None:
        return None
    return PublicKey(
        _text(document, "modulus"), _count(document, "exponent"), _text(document, "description")
    )


def _limits(document: "Any") -> Limits:
    return Limits(
        max_file_size=_count(document, "max_file_size"),
        max_files=_count(document, "max_files"),
        min_file_size=int(document.get("min_file_size") or 0),
        min_files=int(document.get("min_files") or 0),
        max_total_size=document.get("max_total_size"),
        types=[str(pattern) for pattern in document.get("types") or []],
        replaced=[str(pattern) for pattern in document.get("replaced") or []],
    )


def _text(document: "Any", name: str) -> str:
    value = document[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _count(document: "Any", name: str) -> int:
    value = int(document[name])
    if value < 0:
        raise ValueError(name)
    return value
