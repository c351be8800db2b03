"""Requests to our server for grants, the permission to upload."""

from uploader.browser.server.calls import post
from uploader.transfer.errors import GrantRefused
from uploader.transfer.grants.grant import read_grant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.transfer.grants.grant import Grant

__all__ = ["ServerGrants"]


class ServerGrants:
    """Implements the interface `GrantSource` of `GrantKeeper` with `POST /api/grant`."""

    async def fetch(self, *, refused_key_id: str = "") -> "Grant":
        """Return a grant from the server, possibly one from the server's cache.

        Args:
            refused_key_id: an access key id that OSS has refused; the grant will have another one.

        Raises:
            GrantRefused: the server refused the request; its status is 0 if no response came.
        """
        document: dict[str, object] = {"refused_key_id": refused_key_id} if refused_key_id else {}
        return read_grant(await post("/api/grant", document, refusal=GrantRefused))
