"""The endpoints: each parses a request, calls one rule, and answers.

`TokenApi` is the contract with the page and with clients of the tutorial's route; its field names
change for nobody.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ossferry.access.audit import Audit
from ossferry.access.gate import Door, address_of
from ossferry.background import AfterUpload
from ossferry.clock import Clock, utc_text
from ossferry.errors import BadRequestError, OssferryError
from ossferry.grants.service import Grants, Issued
from ossferry.http.problems import request_id
from ossferry.http.same_site import read_json
from ossferry.identity.owner import owner_of
from ossferry.identity.principal import Principal, Way
from ossferry.observability.metrics import Metrics
from ossferry.observability.tracing import Span
from ossferry.pages.assets import FOR_EVER, Assets
from ossferry.settings.model import Settings

__all__ = ["AssetApi", "Document", "Granted", "TokenApi", "Wanted", "health"]

Document: TypeAlias = Mapping[str, object]
"""The JSON object that a request has as its body; empty without a body."""

ICON_FOR_A_DAY = "public, max-age=86400"
EMBED_FOR_AN_HOUR = "public, max-age=3600"


def _no_size(_document: Document) -> int:
    """Say that nobody knows how much is going to be stored."""
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a route wants a grant for.

    Attributes:
        action: what the audit trail calls it; empty for the credentials themselves.
        actions: what the credentials allow; empty for what the settings say.
        page: whether the answer is a page to look at, which another site cannot read.
        size: checks the body, and says how many bytes are going to be stored; 0 if nobody knows.
    """

    action: str = ""
    actions: Sequence[str] = ()
    page: bool = False
    size: Callable[[Document], int] = _no_size


CREDENTIALS = Wanted()


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What one request gets: a grant, and how much may be uploaded with it.

    Attributes:
        document: what the request said.
    """

    principal: Principal
    issued: Issued
    left: dict[str, int | None] | None
    document: Document


class TokenApi:
    """The routes that hand out credentials."""

    def __init__(
        self,
        settings: Settings,
        *,
        way: Way,
        door: Door,
        grants: Grants,
        after: AfterUpload | None,
        audit: Audit,
        metrics: Metrics,
        clock: Clock,
        span: Span,
    ) -> None:
        self._settings = settings
        self._way = way
        self._door = door
        self._span = span
        self._grants = grants
        self._after = after
        self._audit = audit
        self._metrics = metrics
        self._clock = clock
        self._features = [
            *(after.features if after else []),
            *(["demo"] if settings.allow_mock else []),
            *(["sign-out"] if way.signs_out else []),
        ]

    async def get_sts_token(self, request: Request) -> Response:
        """Answer `GET /get_sts_token` as the tutorial's sample does, for an identified person."""
        granted = await self.obtain(request)
        grant = granted.issued.grant
        content: dict[str, object] = {
            "AccessKeyId": grant.credentials.access_key_id,
            "AccessKeySecret": grant.credentials.access_key_secret,
            "SecurityToken": grant.credentials.security_token,
            "Expiration": utc_text(grant.credentials.expires_at),
        }
        if self._settings.cname:
            content["cname"] = True
        response = JSONResponse(content)
        self._way.renew(request, response)
        return response

    async def grant(self, request: Request) -> Response:
        """Answer `POST /api/grant`: the credentials, and all that the page needs to use them.

        The body may be empty, or name credentials that OSS no longer takes:
        ``{"refused_key_id": "STS.…"}``. It decides nothing else.
        """
        granted = await self.obtain(request)
        grant = granted.issued.grant
        settings = self._settings
        response = JSONResponse(
            {
                "access_key_id": grant.credentials.access_key_id,
                "access_key_secret": grant.credentials.access_key_secret,
                "security_token": grant.credentials.security_token,
                "expiration": utc_text(grant.credentials.expires_at),
                "bucket": settings.bucket,
                "region": settings.region,
                "endpoint": settings.endpoint,
                "cname": settings.cname,
                "origins": list(settings.upload_origins),
                "prefix": grant.prefix,
                "server_time": utc_text(self._clock(), timespec="milliseconds"),
                "limits": {
                    "max_file_size": settings.max_file_size,
                    "max_files": settings.max_files,
                    "types": list(settings.allowed_types),
                    "quota": granted.left,
                },
                "features": self._features,
                "principal": {"name": granted.principal.name},
            }
        )
        self._way.renew(request, response)
        return response

    async def obtain(self, request: Request, wanted: Wanted = CREDENTIALS) -> Granted:
        """Return a grant for whoever is asking, if they may have one; every decision is recorded.

        Raises:
            OssferryError: they get none.
        """
        principal = None
        with self._span("ossferry.grant") as note:
            note("ossferry.request_id", request_id(request))
            try:
                principal = await self._door.enter(request, page=wanted.page)
                granted = await self._issue(request, principal, wanted)
            except Exception as error:
                known = error if isinstance(error, OssferryError) else OssferryError()
                self._metrics.decided(known.code)
                self._audit.refused(request, principal, known, action=wanted.action)
                raise
            note("ossferry.outcome", granted.issued.outcome)
        self._audit.issued(request, principal, granted.issued, action=wanted.action)
        self._metrics.decided(granted.issued.outcome)
        return granted

    async def _issue(self, request: Request, principal: Principal, wanted: Wanted) -> Granted:
        document = await _document(request)
        refused_key_id = _refused_key_id(document)
        size = wanted.size(document)
        if refused_key_id:
            await self._door.admit_renewal(principal)
        left = None
        owner = owner_of(principal, secret=self._settings.secret_bytes)
        if self._after is not None:
            left = await self._after.grant_log.admit(owner, size=size)
        issued = await self._grants.grant(
            principal,
            address=address_of(request),
            actions=wanted.actions,
            refused_key_id=refused_key_id,
            request_id=request_id(request),
        )
        if self._after is not None:
            await self._after.grant_log.note(owner, issued.grant)
        return Granted(principal=principal, issued=issued, left=left, document=document)


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

    async def embed(self, request: Request) -> Response:
        """Answer `GET /embed.js`, which other sites load; `frame-ancestors` says who may use it."""
        file = self._assets.embed()
        if file is None:
            raise HTTPException(404)
        response = file.respond(request, cache_control=EMBED_FOR_AN_HOUR)
        response.headers["access-control-allow-origin"] = "*"
        return response

    async def icon(self, request: Request) -> Response:
        """Answer `GET /favicon.ico`, which browsers ask for unbidden."""
        file = self._assets.icon()
        if file is None:
            return Response(status_code=204)
        return file.respond(request, cache_control=ICON_FOR_A_DAY)


async def health(_request: Request) -> Response:
    """Answer `GET /healthz`: the process is up. It says nothing else."""
    return JSONResponse({"status": "ok"})


async def _document(request: Request) -> Document:
    if request.method != "POST" or not _has_body(request):
        return {}
    return await read_json(request)


def _refused_key_id(document: Document) -> str:
    refused = document.get("refused_key_id", "")
    if not isinstance(refused, str):
        raise BadRequestError("refused_key_id must be text.")
    return refused


def _has_body(request: Request) -> bool:
    headers = request.headers
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
