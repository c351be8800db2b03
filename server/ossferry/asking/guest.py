"""The routes of guests, who have a link and no account.

A guest's page is the upload page below `/r/{token}/`, and the routes below that address are those
of the upload page, for the guest's own folder. Opening the page or asking `about` stores nothing.
`enter` makes a guest, and sets a cookie for this address only.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, get_args
from urllib.parse import parse_qsl

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from typing_extensions import TypedDict

from ossferry import errors
from ossferry.access.audit import Audit
from ossferry.access.gate import FOR_CREDENTIALS, FOR_CREDENTIALS_PAGE, for_guests
from ossferry.access.passwords import MAX_LENGTH, Passwords
from ossferry.access.rate_limits import Rates
from ossferry.asking.folder import acting_for, bounds, seal, token_hash, unseal
from ossferry.checks.configuration import PageChecks
from ossferry.clock import Clock, utc_text
from ossferry.forms.pages import FormPages
from ossferry.grants.endpoints import CredentialsRequest, TokenApi
from ossferry.grants.permission import Authorizer, Permission, Wanted
from ossferry.http.body import Body, Text, parsed, read_body, read_small
from ossferry.http.proxies import address_of
from ossferry.http.same_site import Guard, with_cookie
from ossferry.http.security_headers import FORM
from ossferry.identity.object_keys import RANDOM
from ossferry.identity.owner import Owner
from ossferry.identity.principal import Principal, display_name, plain_text
from ossferry.ledger import Database, file_requests
from ossferry.ledger.file_requests import FileRequest, Guest, Way
from ossferry.mount import mount_path
from ossferry.pages.pages import Pages
from ossferry.settings.model import Settings

COOKIE = "ossferry_guest"
COOKIE_S = 400 * 24 * 3600
"""The longest time that browsers keep a cookie: a request may be extended."""

FEATURES = ("receipts", "receipt-batches", "refusals")
"""What the page offers guests: they see nothing that is stored."""

MAX_ANSWER = 500
_EMAIL = re.compile(r"[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]{1,180}")


class Entry(Body):
    """The JSON body of `POST /r/{token}/enter`; what the request does not ask for is ignored."""

    password: Text = Field(default="", max_length=MAX_LENGTH, description="text")
    name: Text = Field(default="", max_length=100, description="text of at most 100 characters")
    email: Text = Field(default="", max_length=254, description="an e-mail address")
    fields: dict[str, Text] = Field(
        default={}, max_length=10, description="an object of texts, by the names of the fields"
    )


class GuestName(TypedDict):
    """The guest in a JSON response to this guest; `files` is the number of recorded files."""

    name: str
    files: int


class AboutRequest(TypedDict):
    """The JSON response of `GET /r/{token}/about`: who asks, for what, and until when.

    Attributes:
        by: name of the owner.
        needs: whether `enter` needs `password`, `name` and `email`.
        limits: `max_file_size`, `max_files` of each guest, and `types`.
        guest: the guest of the cookie; null without a valid cookie.
    """

    by: str
    title: str
    text: str
    ends_at: str
    way: Way
    needs: dict[str, bool]
    fields: list[dict[str, Any]]
    limits: dict[str, Any]
    guest: GuestName | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A file request, its owner, and the guest whom a valid cookie names; None without a cookie."""

    request: FileRequest
    owner: Owner
    guest: Guest | None


@dataclass(slots=True, eq=False, repr=False)
class GuestApi:
    """Identifies guests, and handles the routes below `/r/{token}` that only guests have.

    Args:
        checks: the checks of the server; None if there are none.
    """

    settings: Settings
    database: Database
    rates: Rates
    _: KW_ONLY
    pages: Pages
    checks: PageChecks | None
    audit: Audit
    clock: Clock
    _forms: FormPages = field(init=False)
    _tokens: dict[Way, TokenApi] = field(init=False, default_factory=dict)
    _passwords: Passwords = field(init=False)

    def __post_init__(self) -> None:
        """Share the places for passwords among all requests."""
        self._passwords = Passwords(self.rates)

    def issue_with(self, token: TokenApi, forms: FormPages) -> None:
        """Set the objects that issue grants and show forms; call this once, after the constructor.

        They are not arguments of the constructor, because their own constructors need this object.
        """
        self._forms = forms
        features = [*FEATURES, *(["checks"] if self.checks else [])]
        for way in get_args(Way):
            settings = self.settings.model_copy(update={"grant": way})
            answers = replace(token.answers, settings=settings, features=features)
            allow = Authorizer(settings, self._authorize)
            self._tokens[way] = replace(token, settings=settings, authorizer=allow, answers=answers)

    async def find_guest(self, request: Request) -> Owner:
        """Return the owner for whom the guest of a request acts; the gate calls this method.

        Raises:
            NoProofError: the request has no valid cookie.
            UnknownRequestError: no file request has this token.
            RequestOverError: the owner's access was revoked.
            LedgerLostError: the database does not answer.
        """
        visit = await self._visit(request)
        if visit.guest is None:
            raise errors.NoProofError("Please open the link again.")
        return acting_for(visit.owner, visit.request.id, visit.guest.id)

    async def open(self, request: Request) -> Response:
        """Handle `GET /r/{token}`: redirect to the page, whose relative addresses need the slash.

        Raises:
            UnknownRequestError: no link has such a token.
        """
        return RedirectResponse(f"{_address(request)}/", 307)

    async def page(self, request: Request) -> Response:
        """Handle `GET /r/{token}/`: return the upload page; the file request is not read.

        Raises:
            UnknownRequestError: no link has such a token.
        """
        _address(request)
        response = self.pages.page(request)
        response.headers["x-robots-tag"] = "noindex, nofollow"
        return response

    async def about(self, request: Request) -> Response:
        """Handle `GET /r/{token}/about`: say who asks for what, until when; store nothing.

        Raises:
            UnknownRequestError: no file request has this token.
            RequestOverError: the file request is closed, or has ended.
        """
        visit = await self._open_visit(request)
        terms, needs_password = visit.request.terms, bool(visit.request.password_hash)
        answer: AboutRequest = {
            "by": visit.owner.label,
            "title": terms["title"],
            "text": terms["text"],
            "ends_at": utc_text(visit.request.ends_at),
            "way": terms["way"],
            "needs": {
                "password": needs_password,
                "name": terms["ask_name"],
                "email": terms["ask_email"],
            },
            "fields": terms["fields"],
            "limits": {name: terms[name] for name in ("max_file_size", "max_files", "types")},
            "guest": _named(visit.guest) if visit.guest else None,
        }
        return JSONResponse(answer)

    async def enter(self, request: Request) -> Response:
        """Handle `POST /r/{token}/enter`: make a guest, and set the guest's cookie.

        With a valid cookie, nothing changes. A browser without scripts sends a form instead of
        JSON, and is redirected to the plain form.

        Raises:
            CrossSiteError: another site caused the request.
            BadRequestError: a field is missing or malformed.
            WrongPasswordError: the password is wrong.
            UnknownRequestError: no file request has this token.
            RequestOverError: the file request is closed, has ended, or is full.
            TooManyError: the address or the link has sent too many, or too many wrong passwords.
        """
        is_json = request.headers.get("content-type", "").startswith("application/json")
        try:
            with self.audit.refusals(request, "enter"):
                Guard(self.settings, ambient=with_cookie).refuse_other_sites(request)
                visit = await self._open_visit(request)
                entry = await (read_body(request, Entry) if is_json else _read_form(request))
                guest = visit.guest or await self._welcome(visit.request, entry)
        except (errors.BadRequestError, errors.WrongPasswordError):
            if is_json:
                raise
            return RedirectResponse(f"{_address(request)}{FORM}?again=1", 303)
        acting = acting_for(visit.owner, guest.request, guest.id)
        self.audit.acted(request, action="enter", outcome="done", principal=acting)
        response: Response = JSONResponse(_named(guest))
        if not is_json:
            response = RedirectResponse(f"{_address(request)}{FORM}", 303)
        response.set_cookie(
            COOKIE,
            seal(guest.request, guest.id, secret=self.settings.secret_bytes),
            max_age=COOKIE_S,
            path=_address(request),
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    async def form(self, request: Request) -> Response:
        """Handle `GET /r/{token}/form`: return a page with a form, for browsers without scripts.

        Without a valid cookie, the page asks for the fields of `enter`, such as the password.

        Raises:
            OssferryError: the request is refused, or STS returns no credentials.
        """
        visit = await self._open_visit(request)
        if visit.guest:
            token = self._tokens[visit.request.terms["way"]]
            return await self._forms.offer(request, token, for_guests(FOR_CREDENTIALS_PAGE))
        again, by = "again" in request.query_params, visit.owner.label
        return self._forms.answer(request, "enter", asked=visit.request, by=by, again=again)

    async def grant(self, request: Request) -> Response:
        """Handle `POST /r/{token}/api/grant`: return a grant for the guest's folder.

        Raises:
            OssferryError: the request is refused, or STS returns no credentials.
        """
        await self.rates.admit_frequent(address_of(request))
        visit = await self._visit(request)
        terms = visit.request.terms
        token = self._tokens[terms["way"]]
        grant, _ = await token.obtain(
            request,
            CredentialsRequest,
            kind="form" if terms["way"] == "form" else "credentials",
            requirements=for_guests(FOR_CREDENTIALS),
        )
        answer = token.answers.answer(grant, now=self.clock(), mount=mount_path(request.scope))
        answer["principal"] = {"name": visit.guest.name if visit.guest else ""}
        if terms["checks"] == []:
            answer["features"] = list(FEATURES)
        return JSONResponse(answer)

    async def show_checks(self, request: Request, _acting: Owner) -> Response:
        """Handle `GET /r/{token}/api/checks`: return the checks that the owner has chosen.

        Raises:
            UnknownRequestError: there are no checks.
        """
        if self.checks is None:
            raise errors.UnknownRequestError
        visit = await self._visit(request)
        return JSONResponse(self.checks.chosen(visit.request.terms["checks"]))

    async def _visit(self, request: Request) -> Visit:
        """Return the request and the guest of a request, which are read once."""
        known: Visit | None = getattr(request.state, "visit", None)
        if known is not None:
            return known
        token, cookie = request.path_params["token"], request.cookies.get(COOKIE, "")
        async with self.database.read() as connection:
            found = await file_requests.by_token(connection, token_hash(token))
            if found is None:
                raise errors.UnknownRequestError
            asked, owner, is_revoked = found
            id_ = unseal(cookie, asked.id, secret=self.settings.secret_bytes)
            guests = await file_requests.guests_by_id(connection, [id_])
        if is_revoked:
            raise errors.RequestOverError("closed")
        request.state.visit = visit = Visit(request=asked, owner=owner, guest=guests.get(id_))
        return visit

    async def _open_visit(self, request: Request) -> Visit:
        """Return the visit of a request, which counts against the limit of its address.

        Raises:
            RequestOverError: the file request is closed, or has ended.
        """
        await self.rates.admit(address_of(request))
        visit = await self._visit(request)
        self._refuse_over(visit.request)
        return visit

    def _refuse_over(self, asked: FileRequest) -> None:
        if asked.closed_at is not None:
            raise errors.RequestOverError("closed")
        if asked.ends_at <= self.clock():
            raise errors.RequestOverError("ended")

    async def _authorize(
        self, _principal: Principal, request: Request, _wanted: Wanted
    ) -> Permission:
        """Return the limits of a guest's grant; `Authorizer` calls this method."""
        asked = (await self._visit(request)).request
        self._refuse_over(asked)
        await self.rates.count("link", asked.id)
        return bounds(asked, self.clock())

    async def _welcome(self, asked: FileRequest, entry: Entry) -> Guest:
        """Check what a guest has sent, and record the guest."""
        terms = asked.terms
        await self.rates.count("link", asked.id)
        if asked.password_hash:
            await self._check_password(asked, entry.password)
        guest = Guest(
            id=secrets.token_hex(16),
            request=asked.id,
            name=display_name(entry.name, otherwise="") if terms["ask_name"] else "",
            email=entry.email.strip() if terms["ask_email"] else "",
            fields={each["name"]: _filled(each, entry) for each in terms["fields"]},
            first_at=self.clock(),
        )
        if terms["ask_name"] and not guest.name:
            raise errors.BadRequestError("name must be text that people can see.")
        if terms["ask_email"] and not _EMAIL.fullmatch(guest.email):
            raise errors.BadRequestError("email must be an e-mail address.")
        async with self.database.write() as connection:
            if not await file_requests.enter(connection, guest, most=terms["max_guests"]):
                raise errors.RequestOverError("full")
        return guest

    async def _check_password(self, asked: FileRequest, password: str) -> None:
        if not await self._passwords.is_right(password, asked.password_hash, link=asked.id):
            raise errors.WrongPasswordError


async def _read_form(request: Request) -> Entry:
    """Return what a guest has typed into the form of a page without scripts."""
    pairs = parse_qsl((await read_small(request)).decode(errors="replace"))
    own = {name: text for name, text in pairs if "." not in name}
    fields = {name.removeprefix("fields."): text for name, text in pairs if "." in name}
    return parsed({**own, "fields": fields}, Entry)


def _filled(asked: Mapping[str, Any], entry: Entry) -> str:
    """Return what a guest has filled in.

    Args:
        asked: the field, as in `Terms`.

    Raises:
        BadRequestError: the text is missing, too long or none of the choices.
    """
    text = str(plain_text(entry.fields.get(asked["name"], ""), lines=True))
    choices = asked["choices"]
    is_good = text in choices if choices else 0 < len(text) <= MAX_ANSWER
    if not is_good and (text or asked["required"]):
        wanted = f"one of: {', '.join(choices)}" if choices else "text"
        raise errors.BadRequestError(f"fields.{asked['name']} must be {wanted}.")
    return text


def _named(guest: Guest) -> GuestName:
    return {"name": guest.name, "files": guest.files}


def _address(request: Request) -> str:
    """Return the path of the guest's page without the slash, and below the mount.

    Raises:
        UnknownRequestError: no link has such a token.
    """
    token: str = request.path_params["token"]
    if not re.fullmatch(RANDOM, token):
        raise errors.UnknownRequestError
    return f"{mount_path(request.scope)}/r/{token}"
