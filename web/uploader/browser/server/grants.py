"""Grants from our server."""

from uploader.browser.server.calls import post
from uploader.transfer.errors import GrantRefused
from uploader.transfer.grants.grant import read_grant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.transfer.grants.grant import Grant

__all__ = ["ServerGrants"]


class ServerGrants:
    """The `GrantSource` of `GrantKeeper`: `POST /api/grant`."""

    async def fetch(self, *, refused_key_id: str = "") -> "Grant":
        """Return a grant; not the cached one if OSS has refused its access key id.

        Raises:
            GrantRefused: the server refused the request; status 0 if no response came.
        """
        document: dict[str, object] = {"refused_key_id": refused_key_id} if refused_key_id else {}
        return read_grant(await post("/api/grant", document, refusal=GrantRefused))
