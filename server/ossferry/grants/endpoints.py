"""The routes that issue credentials: `/api/grant` and `/get_sts_token`.

The field names in the responses must not change: the page depends on `/api/grant`, and clients
written for Alibaba Cloud's upload tutorial depend on `/get_sts_token`.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Literal, NotRequired, TypeVar

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from ossferry.access.audit import Audit
from ossferry.access.authenticator import Authenticator
from ossferry.access.gate import FOR_CREDENTIALS, Gate, Requirements
from ossferry.clock import Clock, utc_text
from ossferry.errors import FormsOnlyError, OssferryError
from ossferry.grants.answers import FORM_ACTIONS, Answers
from ossferry.grants.log import GrantLog
from ossferry.grants.permission import Authorizer, Permission, Wanted
from ossferry.grants.service import Grant, Grants
from ossferry.http.body import Body, Text, read_optional_body
from ossferry.http.problems import request_id
from ossferry.http.proxies import address_of
from ossferry.mount import mount_path
from ossferry.observability.metrics import Metrics
from ossferry.settings.model import Settings


class CredentialsRequest(Body):
    """The JSON body of a request for credentials or for a signed form."""

    refused_key_id: Text = Field(default="", description="the id of an access key that OSS refuses")

    def wanted(self, kind: Literal["credentials", "form"]) -> Wanted:
        """Return the argument that describes this request to the host application's `authorize`."""
        return Wanted(kind=kind)


class StsToken(TypedDict):
    """The JSON response of `GET /get_sts_token`, with the field names of AssumeRole."""

    AccessKeyId: str
    AccessKeySecret: str
    SecurityToken: str
    Expiration: str
    cname: NotRequired[Literal[True]]
    Prefix: NotRequired[str]


B = TypeVar("B", bound=CredentialsRequest)


def _check_nothing(_body: CredentialsRequest, _permission: Permission) -> None:
    """Accept every body: the default of `TokenApi.obtain`."""


@dataclass(slots=True, eq=False, repr=False)
class TokenApi:
    """The handlers of the routes that issue credentials.

    Args:
        grant_log: checks quotas and records grants; None if the server has no ledger.
    """

    settings: Settings
    _: KW_ONLY
    authenticator: Authenticator
    gate: Gate
    authorizer: Authorizer
    grants: Grants
    grant_log: GrantLog | None
    answers: Answers
    audit: Audit
    metrics: Metrics
    clock: Clock

    async def get_sts_token(self, request: Request) -> Response:
        """Handle `GET /get_sts_token`: return credentials.

        The response has the fields `AccessKeyId`, `AccessKeySecret`, `SecurityToken` and
        `Expiration`, which clients written for Alibaba Cloud's upload tutorial expect, and `cname`
        if the endpoint is a custom domain. With `?prefix=1`, it also has `Prefix`, the key prefix
        of the grant; this field is optional, because some clients reject unknown fields.

        Raises:
            FormsOnlyError: the setting `grant` is `form`.
            OssferryError: the request is refused, or STS returns no credentials.
        """
        if self.settings.grant == "form":
            raise FormsOnlyError("Ask POST /api/grant or POST /api/form for a form.")
        grant, _ = await self.obtain(request, CredentialsRequest)
        token: StsToken = {
            "AccessKeyId": grant.credentials.access_key_id,
            "AccessKeySecret": grant.credentials.access_key_secret,
            "SecurityToken": grant.credentials.security_token,
            "Expiration": utc_text(grant.credentials.expires_at),
        }
        if self.settings.cname:
            token["cname"] = True
        if request.query_params.get("prefix") == "1":
            token["Prefix"] = grant.held + grant.prefix
        response = JSONResponse(token)
        self.authenticator.renew(request, response)
        return response

    async def grant(self, request: Request) -> Response:
        """Handle `POST /api/grant`: return the grant and settings that the page needs to upload.

        The response contains credentials or, if the setting `grant` is `form`, a signed form.

        The body may be empty, or contain the id of an access key that OSS refuses:
        `{"refused_key_id": "STS.…"}`. The server then does not return this access key again.

        Raises:
            OssferryError: the request is refused, or STS returns no credentials.
        """
        kind: Literal["credentials", "form"] = (
            "form" if self.settings.grant == "form" else "credentials"
        )
        grant, _ = await self.obtain(request, CredentialsRequest, kind=kind)
        response = JSONResponse(
            self.answers.answer(grant, now=self.clock(), mount=mount_path(request.scope))
        )
        self.authenticator.renew(request, response)
        return response

    async def obtain(
        self,
        request: Request,
        model: type[B],
        *,
        kind: Literal["credentials", "form"] = "credentials",
        requirements: Requirements = FOR_CREDENTIALS,
        check: Callable[[B, Permission], None] = _check_nothing,
    ) -> tuple[Grant, B]:
        """Check a request, and return a grant for its principal together with the parsed body.

        The decision is written to the audit trail and counted in the metrics.

        Args:
            model: the model of the JSON body, which may be empty.
            kind: `form` if the credentials will only sign a form.
            requirements: the conditions that the request must meet.
            check: gets the parsed body and the permission, and raises an `OssferryError` if the
                grant would not allow the upload that the body describes.

        Raises:
            OssferryError: the request is refused, or STS returns no credentials.
        """
        action, id_ = "form" if kind == "form" else "", request_id(request)
        try:
            principal = await self.gate.enter(request, requirements)
            body = await read_optional_body(request, model)
            wanted = body.wanted(kind)
            if body.refused_key_id:
                await self.gate.rates.count("renewal", principal.counter)
            log, left = self.grant_log, None
            if log is not None:
                left = await log.quotas.admit(principal, size=wanted.size or 0)
            permission = await self.authorizer.allowed(request, principal, wanted)
            check(body, permission)
            grant = await self.grants.grant(
                principal,
                permission,
                left=left,
                address=address_of(request),
                actions=FORM_ACTIONS if kind == "form" else (),
                refused_key_id=body.refused_key_id,
                request_id=id_,
            )
            if log is not None:
                await log.record(principal, grant.credentials)
        except Exception as error:
            known = error if isinstance(error, OssferryError) else OssferryError()
            self.metrics.decided(known.code)
            self.audit.acted(request, action=action, outcome=known.code)
            raise
        folder, outcome = grant.prefix.removeprefix(principal.prefix), grant.outcome
        self.audit.issued(
            request, principal, grant.credentials, outcome=outcome, action=action, folder=folder
        )
        self.metrics.decided(outcome)
        return grant, body
