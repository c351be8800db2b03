"""Requests to the ossferry server for grants; a grant is the permission to upload."""

import asyncio

from ossferry_uploader.transfer.errors import GrantRefused
from ossferry_uploader.transfer.grants.grant import Grant, read_grant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ossferry_uploader.browser.server.calls import Server
    from ossferry_uploader.transfer.grants.limits import Limits


class ServerGrants:
    """Requests grants with `POST /api/grant`; implements `transfer.grants.credentials.GrantSource`.

    The attribute `limits` contains limits that apply in addition to the limits in each grant; it is
    `None` if there are no additional limits.
    """

    def __init__(self, server: "Server") -> None:
        self._server = server
        self.limits: Limits | None = None
        self._early: asyncio.Task[dict[str, Any]] | None = None

    def fetch_early(self) -> None:
        """Send the first request now; the first call of `fetch` waits for its answer."""
        self._early = asyncio.create_task(self._request({}))

    async def fetch(self, *, refused_key_id: str = "") -> "Grant":
        """Request a grant from the ossferry server, which may answer with a cached grant.

        Args:
            refused_key_id: the access key id of credentials that OSS has refused, or an empty text.
                The server then sends a grant with other credentials.

        Raises:
            GrantRefused: the server refused the request; the status is 0 if no response came.
        """
        document: dict[str, object] = {"refused_key_id": refused_key_id} if refused_key_id else {}
        early, self._early = self._early, None
        answer = await (early if early and not document else self._request(document))
        grant = read_grant(answer)
        if self.limits:
            grant.narrow(self.limits)
        return grant

    async def _request(self, document: "dict[str, object]") -> "dict[str, Any]":
        answer: dict[str, Any] = await self._server.call(
            "POST", "/api/grant", document, refusal=GrantRefused
        )
        return answer
