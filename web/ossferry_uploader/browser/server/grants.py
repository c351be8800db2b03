"""Requests to our server for grants. A grant is the permission to upload."""

from ossferry_uploader.transfer.errors import GrantRefused
from ossferry_uploader.transfer.grants.grant import read_grant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.browser.server.calls import Server
    from ossferry_uploader.transfer.grants.grant import Grant
    from ossferry_uploader.transfer.grants.limits import Limits


class ServerGrants:
    """Requests grants with `POST /api/grant`; implements the engine's interface `GrantSource`.

    `limits` are applied in addition to the limits of each grant; `None` for no other limits.
    """

    def __init__(self, server: "Server") -> None:
        self._server = server
        self.limits: Limits | None = None

    async def fetch(self, *, refused_key_id: str = "") -> "Grant":
        """Request a grant. The server may send a cached grant.

        Args:
            refused_key_id: an access key id that OSS has refused. The server then sends a grant
                with another access key id.

        Raises:
            GrantRefused: the server refused the request; the status is 0 if no response came.
        """
        document: dict[str, object] = {"refused_key_id": refused_key_id} if refused_key_id else {}
        grant = read_grant(await self._server.post("/api/grant", document, refusal=GrantRefused))
        if self.limits:
            grant.narrow(self.limits)
        return grant
