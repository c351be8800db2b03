"""The endpoints: each parses a request, calls one rule, and answers.

`TokenApi` is the contract with the page and with clients of the tutorial's route; its field names
change for nobody.
"""

from datetime import UTC, datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ossferry.assets import FOR_EVER, Assets
from ossferry.audit import Audit
from ossferry.auth import DEMO_COOKIE, DEMO_USERS, Identify, Principal
from ossferry.clock import Clock
from ossferry.errors import BadRequestError, OssferryError
from ossferry.grants import Grant, Grants
from ossferry.guards import read_json, refuse_other_sites
from ossferry.settings import Settings

__all__ = ["AssetApi", "TokenApi", "choose_demo_user", "health"]

ICON_FOR_A_DAY = "public, max-age=86400"


class TokenApi:
    """The routes that hand out credentials."""

    def __init__(
        self, settings: Settings, *, identify: Identify, grants: Grants, audit: Audit, clock: Clock
    ) -> None:
        self._settings = settings
        self._identify = identify
        self._grants = grants
        self._audit = audit
        self._clock = clock

    async def get_sts_token(self, request: Request) -> Response:
        """Answer `GET /get_sts_token` as the tutorial's sample does, for an identified person."""
        _, grant = await self._grant(request)
        return JSONResponse(
            {
                "AccessKeyId": grant.credentials.access_key_id,
                "AccessKeySecret": grant.credentials.access_key_secret,
                "SecurityToken": grant.credentials.security_token,
                "Expiration": _utc_text(grant.credentials.expires_at),
            }
        )

    async def grant(self, request: Request) -> Response:
        """Answer `POST /api/grant`: the credentials, and all that the page needs to use them.

        The body may be empty, or name credentials that OSS no longer takes:
        ``{"refused_key_id": "STS.…"}``. It decides nothing else.
        """
        principal, grant = await self._grant(request)
        settings = self._settings
        return JSONResponse(
            {
                "access_key_id": grant.credentials.access_key_id,
                "access_key_secret": grant.credentials.access_key_secret,
                "security_token": grant.credentials.security_token,
                "expiration": _utc_text(grant.credentials.expires_at),
                "bucket": settings.bucket,
                "region": settings.region,
                "endpoint": settings.endpoint,
                "prefix": grant.prefix,
                "server_time": _utc_text(self._clock(), timespec="milliseconds"),
                "limits": {
                    "max_file_size": settings.max_file_size,
                    "max_files": settings.max_files,
                },
                "principal": {"name": principal.name},
            }
        )

    async def _grant(self, request: Request) -> tuple[Principal, Grant]:
        principal = None
        try:
            refuse_other_sites(request)
            principal = await self._identify(request)
            refused = await _refused_key_id(request)
            issued = await self._grants.grant(principal, refused_key_id=refused)
        except OssferryError as error:
            self._audit.refused(request, principal, error)
            raise
        self._audit.issued(request, principal, issued)
        return principal, issued.grant


class AssetApi:
    """The routes that hand out files of the page."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets

    async def asset(self, request: Request) -> Response:
        """Answer `GET /assets/{path}`."""
        file = self._assets.find(f"/assets/{request.path_params['path']}")
        if file is None:
            raise HTTPException(404)
        return file.respond(request, cache_control=FOR_EVER)

    async def icon(self, request: Request) -> Response:
        """Answer `GET /favicon.ico`, which browsers ask for unbidden."""
        file = self._assets.icon()
        if file is None:
            return Response(status_code=204)
        return file.respond(request, cache_control=ICON_FOR_A_DAY)


async def choose_demo_user(request: Request) -> Response:
    """Answer `POST /demo/user`: become Alice or Bob."""
    refuse_other_sites(request)
    user = (await read_json(request)).get("user")
    if not isinstance(user, str) or user not in DEMO_USERS:
        raise BadRequestError("The demo knows alice and bob only.")
    response = JSONResponse({"name": DEMO_USERS[user].name})
    response.set_cookie(DEMO_COOKIE, user, httponly=True, samesite="strict")
    return response


async def health(_request: Request) -> Response:
    """Answer `GET /healthz`: the process is up. It says nothing else."""
    return JSONResponse({"status": "ok"})


async def _refused_key_id(request: Request) -> str:
    if request.method != "POST" or request.headers.get("content-length", "0") == "0":
        return ""
    refused = (await read_json(request)).get("refused_key_id", "")
    if not isinstance(refused, str):
        raise BadRequestError("refused_key_id must be text.")
    return refused


def _utc_text(moment: datetime, *, timespec: str = "seconds") -> str:
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
