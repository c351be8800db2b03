"""A grant: what our server allows this page to do, and for how long."""

from uploader.oss.requests import Bucket
from uploader.oss.signing import Credentials
from uploader.oss.times import from_iso
from uploader.transfer.errors import GrantRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Grant", "read_grant"]


class Grant:
    """Credentials with the bucket and prefix they are for. Times are seconds since 1970."""

    def __init__(
        self,
        *,
        credentials: Credentials,
        bucket: Bucket,
        prefix: str,
        expires_at_s: float,
        server_time_s: float,
        max_file_size: int,
        max_files: int,
        principal: str,
    ) -> None:
        self.credentials = credentials
        self.bucket = bucket
        self.prefix = prefix
        self.expires_at_s = expires_at_s
        self.server_time_s = server_time_s
        self.max_file_size = max_file_size
        self.max_files = max_files
        self.principal = principal


def read_grant(document: "Any") -> Grant:
    """Read the JSON document of `POST /api/grant`.

    Raises:
        GrantRefused: a field is missing or malformed.
    """
    try:
        prefix = document["prefix"]
        if not prefix.endswith("/") or prefix.startswith("/"):
            raise ValueError("prefix")
        return Grant(
            credentials=Credentials(
                document["access_key_id"],
                document["access_key_secret"],
                document["security_token"],
            ),
            bucket=Bucket(document["bucket"], document["region"], document["endpoint"]),
            prefix=prefix,
            expires_at_s=from_iso(document["expiration"]),
            server_time_s=from_iso(document["server_time"]),
            max_file_size=int(document["limits"]["max_file_size"]),
            max_files=int(document["limits"]["max_files"]),
            principal=document["principal"]["name"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GrantRefused(200, detail=f"the grant is malformed: {error!r}")
