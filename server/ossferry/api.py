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
from ossferry.auth import Principal, Way
from ossferry.clock import Clock
from ossferry.errors import BadRequestError, NotIdentifiedError, OssferryError
from ossferry.grants import Grant, Grants, Issued
from ossferry.guards import Guard, read_json
from ossferry.metrics import Metrics
from ossferry.prefixes import principal_hash
from ossferry.problems import request_id
from ossferry.rates import Rates
from ossferry.settings import Settings

__all__ = ["AssetApi", "TokenApi", "health"]

ICON_FOR_A_DAY = "public, max-age=86400"


class TokenApi:
    """The routes that hand out credentials."""

    def __init__(
        self,
        settings: Settings,
        *,
        way: Way,
        rates: Rates,
        grants: Grants,
        audit: Audit,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._way = way
        self._guard = Guard(settings, ambient=way.ambient)
        self._rates = rates
        self._grants = grants
        self._audit = audit
        self._metrics = metrics
        self._clock = clock

    async def get_sts_token(self, request: Request) -> Response:
        """Answer `GET /get_sts_token` as the tutorial's sample does, for an identified person."""
        _, grant = await self._grant(request)
        response = JSONResponse(
            {
                "AccessKeyId": grant.credentials.access_key_id,
                "AccessKeySecret": grant.credentials.access_key_secret,
                "SecurityToken": grant.credentials.security_token,
                "Expiration": _utc_text(grant.credentials.expires_at),
            }
        )
        self._way.renew(request, response)
        return response

    async def grant(self, request: Request) -> Response:
        """Answer `POST /api/grant`: the credentials, and all that the page needs to use them.

        The body may be empty, or name credentials that OSS no longer takes:
        ``{"refused_key_id": "STS.…"}``. It decides nothing else.
        """
        principal, grant = await self._grant(request)
        settings = self._settings
        response = JSONResponse(
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
        self._way.renew(request, response)
        return response

    async def _grant(self, request: Request) -> tuple[Principal, Grant]:
        principal = None
        try:
            self._guard.refuse_other_sites(request)
            await self._rates.admit(_address(request))
            principal = await self._identify(request)
            issued = await self._issue(request, principal)
        except OssferryError as error:
            self._metrics.decided(error.code)
            self._audit.refused(request, principal, error)
            raise
        self._audit.issued(request, principal, issued)
        self._metrics.decided(issued.outcome)
        return principal, issued.grant

    async def _identify(self, request: Request) -> Principal:
        try:
            return await self._way.identify(request)
        except NotIdentifiedError:
            key_id = getattr(request.state, "key_id", "")
            await self._rates.failed(_address(request), key_id)
            raise

    async def _issue(self, request: Request, principal: Principal) -> Issued:
        who = principal_hash(principal, secret=self._settings.secret_bytes)
        await self._rates.admit_principal(who)
        return await self._grants.grant(
            principal,
            address=_address(request),
            refused_key_id=await _refused_key_id(request),
            request_id=request_id(request),
        )


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


async def health(_request: Request) -> Response:
    """Answer `GET /healthz`: the process is up. It says nothing else."""
    return JSONResponse({"status": "ok"})


async def _refused_key_id(request: Request) -> str:
    if request.method != "POST" or not _has_body(request):
        return ""
    refused = (await read_json(request)).get("refused_key_id", "")
    if not isinstance(refused, str):
        raise BadRequestError("refused_key_id must be text.")
    return refused


def _has_body(request: Request) -> bool:
    headers = request.headers
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _utc_text(moment: datetime, *, timespec: str = "seconds") -> str:
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
