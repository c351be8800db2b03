"""The routes that issue credentials: `/api/grant` and `/get_sts_token`.

The field names in their responses must not change: the page depends on `/api/grant`, and clients
written for Alibaba Cloud's upload tutorial depend on `/get_sts_token`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, Literal, NotRequired, TypeVar

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypeAliasType, TypedDict

from ossferry.access.audit import Audit
from ossferry.access.authenticator import Authenticator
from ossferry.access.gate import FOR_CREDENTIALS, Checks, Gate, sender_of
from ossferry.clock import Clock, utc_text
from ossferry.errors import FormsOnlyError, OssferryError
from ossferry.grants.encryption import Encryption
from ossferry.grants.log import GrantLog
from ossferry.grants.permission import Allowed, Authorizer, Wanted
from ossferry.grants.service import Grants, Issued
from ossferry.grants.signed_forms import FORM_ACTIONS, largest_file, sign_form
from ossferry.http.body import Body, Text, read_body
from ossferry.http.problems import request_id
from ossferry.http.proxies import address_of
from ossferry.identity.owner import Owner
from ossferry.observability.metrics import Metrics
from ossferry.observability.tracing import Span
from ossferry.oss.post_object import Field as FormField
from ossferry.settings.model import Settings
from ossferry.uploads.quotas import Left

__all__ = [
    "FormGrant",
    "Grant",
    "GrantPurpose",
    "Granted",
    "Refused",
    "StsGrant",
    "StsToken",
    "TokenApi",
]


class Refused(Body):
    """The body of a request for credentials."""

    refused_key_id: Text = Field(default="", description="the id of an access key that OSS refuses")


class Limits(TypedDict):
    """The limits that the page shows and checks.

    `replaced` has patterns for names of files that a check often replaces; `max_file_size` and
    `types` apply to these files after the checks.
    """

    max_file_size: int
    max_files: int
    types: list[str]
    replaced: list[str]
    quota: Left | None


class PrincipalName(TypedDict):
    """The person whom the credentials belong to."""

    name: str


class GrantBase(TypedDict):
    """What both kinds of grants contain."""

    access_key_id: str
    expiration: str
    bucket: str
    region: str
    endpoint: str
    cname: bool
    origins: Annotated[list[str], Field(min_length=1)]
    prefix: str
    server_time: str
    limits: Limits
    features: list[str]
    principal: PrincipalName
    encryption: Encryption | None


class StsGrant(GrantBase):
    """A grant with credentials, for `OSSFERRY_GRANT=sts`."""

    access_key_secret: str
    security_token: str


class FormGrant(GrantBase):
    """A grant with a signed form, for `OSSFERRY_GRANT=form`.

    `form` has the fields of the form, except the key, the content type and the file.
    """

    form: Annotated[list[FormField], Field(min_length=1)]


Grant = TypeAliasType("Grant", StsGrant | FormGrant)
"""The answer of `POST /api/grant`."""


class StsToken(TypedDict):
    """The answer of `GET /get_sts_token`, in the format of AssumeRole."""

    AccessKeyId: str
    AccessKeySecret: str
    SecurityToken: str
    Expiration: str
    cname: NotRequired[Literal[True]]


B = TypeVar("B", bound=Refused)


def _unknown_file(_body: Refused) -> Wanted:
    """Return no description: the default of `GrantPurpose.wanted`, for unknown files."""
    return Wanted(kind="credentials")


def _check_nothing(_body: Refused, _allowed: Allowed) -> None:
    """Accept every body: the default of `GrantPurpose.check`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantPurpose(Generic[B]):
    """Describes how a route issues credentials: the checks, the OSS actions and the audit action.

    Attributes:
        action: name of the action in the audit trail; empty for a route that returns credentials.
        actions: OSS actions that the credentials allow; if empty, the actions in the settings.
        checks: the checks that the request must pass.
        body: the model of the JSON body, which may be empty.
        wanted: returns what the body asks for.
        check: raises an `OssferryError` if the grant would not allow what the body asks for.
    """

    body: type[B]

    action: str = ""
    actions: Sequence[str] = ()
    checks: Checks = FOR_CREDENTIALS
    wanted: Callable[[B], Wanted] = _unknown_file
    check: Callable[[B, Allowed], None] = _check_nothing


CREDENTIALS = GrantPurpose(body=Refused)
FORM = GrantPurpose(
    body=Refused,
    action="form",
    actions=FORM_ACTIONS,
    wanted=lambda _body: Wanted(kind="form"),
)
UNFINISHED = "unfinished"
"""A feature for uploads in parts, which need credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted(Generic[B]):
    """The credentials issued for one request.

    Attributes:
        owner: the sender of the request.
        issued: the grant, and whether it is new.
        allowed: what the grant allows.
        left: remaining quota of the owner; None if there is no limit.
        body: the body of the request.
    """

    owner: Owner
    issued: Issued
    allowed: Allowed
    left: Left | None
    body: B


class TokenApi:
    """The handlers of the routes that issue credentials.

    Args:
        grant_log: checks quotas and records grants; None if the server has no ledger.
        features: names of the features that the page may offer.
        replaced: patterns for names of files that a check in the page often replaces.
        encryption: the key with which pages encrypt files; None if they do not.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        authenticator: Authenticator,
        gate: Gate,
        authorizer: Authorizer,
        grants: Grants,
        grant_log: GrantLog | None,
        features: Sequence[str],
        replaced: Sequence[str],
        encryption: Encryption | None,
        audit: Audit,
        metrics: Metrics,
        clock: Clock,
        span: Span,
    ) -> None:
        self._settings = settings
        self._authenticator = authenticator
        self._gate = gate
        self._authorizer = authorizer
        self._grants = grants
        self._grant_log = grant_log
        self._features = list(features)
        self._replaced = list(replaced)
        self._encryption = encryption
        self._audit = audit
        self._metrics = metrics
        self._clock = clock
        self._span = span

    async def get_sts_token(self, request: Request) -> Response:
        """Handle `GET /get_sts_token`: return credentials.

        The response has the format that clients written for Alibaba Cloud's upload tutorial expect.

        Raises:
            FormsOnlyError: the setting `grant` is `form`.
            OssferryError: the request is refused, or STS returns no credentials.
        """
        if self._settings.grant == "form":
            raise FormsOnlyError("Ask POST /api/grant or POST /api/form for a form.")
        granted = await self.obtain(request, CREDENTIALS)
        grant = granted.issued.grant
        token: StsToken = {
            "AccessKeyId": grant.credentials.access_key_id,
            "AccessKeySecret": grant.credentials.access_key_secret,
            "SecurityToken": grant.credentials.security_token,
            "Expiration": utc_text(grant.credentials.expires_at),
        }
        if self._settings.cname:
            token["cname"] = True
        response = JSONResponse(token)
        self._authenticator.renew(request, response)
        return response

    async def grant(self, request: Request) -> Response:
        """Handle `POST /api/grant`: return what the page needs to upload, and its settings.

        The response contains credentials or, if the setting `grant` is `form`, a signed form.

        The body may be empty, or contain the id of an access key that OSS refuses:
        `{"refused_key_id": "STS.…"}`. The server then does not return this access key again.

        Raises:
            OssferryError: the request is refused, or STS returns no credentials.
        """
        is_form = self._settings.grant == "form"
        granted = await self.obtain(request, FORM if is_form else CREDENTIALS)
        response = JSONResponse(self._form(granted) if is_form else self._credentials(granted))
        self._authenticator.renew(request, response)
        return response

    def _credentials(self, granted: Granted[Refused]) -> StsGrant:
        credentials = granted.issued.grant.credentials
        return {
            **self._about(granted, expires_at=credentials.expires_at),
            "access_key_secret": credentials.access_key_secret,
            "security_token": credentials.security_token,
        }

    def _form(self, granted: Granted[Refused]) -> FormGrant:
        """Return a grant with a form and without a secret.

        The grant has one origin only: the page cannot check an origin without credentials.
        """
        settings, grant = self._settings, granted.issued.grant
        form, expires_at = sign_form(settings, grant, granted.allowed, now=self._clock())
        about = self._about(granted, expires_at=expires_at)
        about["origins"] = about["origins"][:1]
        about["limits"]["max_file_size"] = largest_file(settings, granted.allowed)
        about["features"] = [each for each in about["features"] if each != UNFINISHED]
        return {**about, "form": form}

    def _about(self, granted: Granted[Refused], *, expires_at: datetime) -> GrantBase:
        settings, grant = self._settings, granted.issued.grant
        return {
            "access_key_id": grant.credentials.access_key_id,
            "expiration": utc_text(expires_at),
            "bucket": settings.bucket,
            "region": settings.region,
            "endpoint": settings.endpoint,
            "cname": settings.cname,
            "origins": list(settings.upload_origins),
            "prefix": grant.prefix,
            "server_time": utc_text(self._clock(), timespec="milliseconds"),
            "limits": {
                "max_file_size": granted.allowed.max_file_size,
                "max_files": settings.max_files,
                "types": list(granted.allowed.types),
                "replaced": self._replaced,
                "quota": granted.left,
            },
            "features": self._features,
            "principal": {"name": granted.owner.label},
            "encryption": self._encryption,
        }

    async def obtain(self, request: Request, purpose: GrantPurpose[B]) -> Granted[B]:
        """Return a grant for the sender of a request; record the decision in the audit trail.

        Args:
            purpose: the requirements of the route.

        Raises:
            OssferryError: the request is refused, or STS returns no credentials.
        """
        with self._span("ossferry.grant") as note:
            note("ossferry.request_id", request_id(request))
            try:
                owner = await self._gate.enter(request, purpose.checks)
                granted = await self._issue(request, owner, purpose)
            except Exception as error:
                known = error if isinstance(error, OssferryError) else OssferryError()
                self._metrics.decided(known.code)
                self._audit.refused(request, sender_of(request), known, action=purpose.action)
                raise
            note("ossferry.outcome", granted.issued.outcome)
        grant = granted.issued.grant
        self._audit.issued(
            request,
            owner,
            outcome=granted.issued.outcome,
            session_name=grant.session_name,
            access_key_id=grant.credentials.access_key_id,
            expires_at=grant.credentials.expires_at,
            action=purpose.action,
            folder=grant.prefix.removeprefix(owner.prefix),
        )
        self._metrics.decided(granted.issued.outcome)
        return granted

    async def _issue(self, request: Request, owner: Owner, purpose: GrantPurpose[B]) -> Granted[B]:
        body = await _body(request, purpose.body)
        wanted = purpose.wanted(body)
        if body.refused_key_id:
            await self._gate.admit_renewal(owner)
        left = None
        if self._grant_log is not None:
            left = await self._grant_log.admit(owner, size=wanted.size or 0)
        allowed = await self._authorizer.allowed(request, owner, wanted)
        purpose.check(body, allowed)
        issued = await self._grants.grant(
            owner,
            prefix=allowed.prefix,
            address=address_of(request),
            actions=purpose.actions,
            refused_key_id=body.refused_key_id,
            request_id=request_id(request),
        )
        if self._grant_log is not None:
            credentials = issued.grant.credentials
            await self._grant_log.record(
                owner,
                session_name=issued.grant.session_name,
                access_key_id=credentials.access_key_id,
                expires_at=credentials.expires_at,
            )
        return Granted(owner=owner, issued=issued, allowed=allowed, left=left, body=body)


async def _body(request: Request, model: type[B]) -> B:
    """Return the body of a request; the model with its defaults if there is no body."""
    if request.method != "POST" or not _has_body(request):
        return model()
    return await read_body(request, model)


def _has_body(request: Request) -> bool:
    headers = request.headers
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
