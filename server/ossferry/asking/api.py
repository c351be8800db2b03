"""The routes with which a principal asks for files, and sees what guests have sent."""

import secrets
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, cast

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from ossferry.access.passwords import MAX_LENGTH, MIN_LENGTH, hashed
from ossferry.asking.folder import folder_of_request, token_hash, token_of
from ossferry.checks.configuration import PageChecks
from ossferry.clock import Clock, utc_text
from ossferry.errors import AuthorizationError, BadRequestError, UnknownRequestError
from ossferry.grants.answers import largest_file
from ossferry.grants.permission import Permission, narrowed
from ossferry.http.body import WHOLE, Body, Text, read_body
from ossferry.http.hosts import own_origin
from ossferry.identity.object_keys import check_own_key, guest_of
from ossferry.identity.owner import Owner
from ossferry.identity.principal import plain_text
from ossferry.ledger import Database, file_requests, people
from ossferry.ledger.file_requests import FileRequest, Terms, Way
from ossferry.mount import mount_path
from ossferry.settings.model import Settings
from ossferry.uploads.lists import ListApi, Object, object_json, read_limit

LONGEST = timedelta(days=366)
MOST = 1000


def _moment(value: object) -> object:
    """Return a time from ISO 8601 in whole seconds; the time zone is required."""
    if not isinstance(value, str):
        return value
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError("no time zone")
    return at.astimezone(UTC).replace(microsecond=0)


Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
Line = Annotated[Text, BeforeValidator(plain_text)]
Label = Annotated[Line, Field(min_length=1, max_length=80)]
Number = Annotated[int, Field(ge=1, le=MOST), WHOLE]


class AskedField(Body):
    """A field that guests fill in; without `choices`, it takes any text."""

    name: str = Field(pattern="^[a-z][a-z0-9_]{0,39}$")
    label: Label
    required: bool = True
    choices: list[Label] = Field(default=[], max_length=20)


def _unlike(fields: list[AskedField]) -> list[AskedField]:
    if len({each.name for each in fields}) < len(fields):
        raise ValueError("two fields have one name")
    return fields


class NewRequest(Body):
    """The JSON body of `POST /api/requests`: what a principal asks guests for."""

    title: Line = Field(min_length=1, max_length=120, description="text of 1 to 120 characters")
    text: Annotated[Text, BeforeValidator(partial(plain_text, lines=True))] = Field(
        default="", max_length=2000, description="text of at most 2,000 characters"
    )
    ends_at: Moment = Field(description="a time in ISO 8601 with its time zone")
    fields: Annotated[list[AskedField], AfterValidator(_unlike)] = Field(
        default=[],
        max_length=10,
        description="an array of at most 10 objects with name (lower-case letters, digits and _),"
        " label, required and choices (at most 20 texts)",
    )
    types: list[str] = Field(default=[], max_length=50, description="an array of types")
    max_file_size: Annotated[int, Field(ge=1), WHOLE] | None = Field(
        default=None, description="a number of bytes, or null"
    )
    max_files: Number = Field(default=100, description=f"a number from 1 to {MOST}")
    max_guests: Number = Field(default=100, description=f"a number from 1 to {MOST}")
    password: str = Field(
        default="",
        pattern=rf"^([^\x00]{{{MIN_LENGTH},{MAX_LENGTH}}})?$",
        description=f"empty, or text of {MIN_LENGTH} to {MAX_LENGTH} characters",
    )
    checks: list[str] | None = Field(default=None, description="null, or an array of names")
    way: Way = Field(default="form", description="form or sts")
    ask_name: bool = Field(default=True, description="true or false")
    ask_email: bool = Field(default=False, description="true or false")


class RequestChange(Body):
    """The JSON body of `PATCH /api/requests/{id}`: a new end, or whether the request is closed."""

    ends_at: Moment | None = Field(
        default=None, description="null, or a time in ISO 8601 with its time zone"
    )
    closed: bool | None = Field(default=None, description="null, true or false")


class AskedFiles(Terms):
    """A file request in a JSON response, and what its guests have sent.

    Attributes:
        link: the address that the principal gives to guests.
        guests, files, bytes, last_at: what has arrived, and when the last file did.
    """

    id: str
    link: str
    has_password: bool
    made_at: str
    ends_at: str
    closed_at: str | None
    guests: int
    files: int
    bytes: int
    last_at: str | None


class RequestLimits(TypedDict):
    """What a principal may ask for; `max_file_size` has the ways that the server allows."""

    longest_s: int
    max_file_size: dict[str, int]
    max_files: int
    max_guests: int
    types: list[str]
    checks: list[str]


class Requests(TypedDict):
    """The JSON response of `GET /api/requests`: one page of requests, newest first.

    `next` is the value of the parameter `after` that requests the next page; null on the last page.
    """

    requests: list[AskedFiles]
    next: str | None
    limits: RequestLimits


class GuestFile(Object):
    """A file that a guest has sent; `guest` is the id of the guest."""

    guest: str


class GuestAnswers(TypedDict):
    """What a guest has told of themselves; nobody has verified it."""

    name: str
    email: str
    fields: dict[str, str]


class GuestFiles(TypedDict):
    """The JSON response of `GET /api/requests/{id}/files`: files by guest; `guests` has ids."""

    files: list[GuestFile]
    guests: dict[str, GuestAnswers]
    next: str | None


@dataclass(slots=True, eq=False, repr=False)
class AskingApi:
    """The handlers of `/api/requests`.

    Args:
        checks: the checks of the server; None if there are none.
    """

    settings: Settings
    database: Database
    lists: ListApi
    _: KW_ONLY
    checks: PageChecks | None
    clock: Clock

    async def create(self, request: Request, principal: Owner) -> Response:
        """Handle `POST /api/requests`: ask guests for files, and return the link.

        Raises:
            BadRequestError: a field is missing or malformed, or the server cannot do it.
        """
        wish, now, id_ = await read_body(request, NewRequest), self.clock(), secrets.token_hex(16)
        names = self.checks.names if self.checks else []
        if not set(wish.checks or ()) <= set(names):
            raise BadRequestError(f"checks must be null, or names of: {', '.join(names)}.")
        asked = wish.model_dump(exclude={"ends_at", "password"})
        made = FileRequest(
            id=id_,
            token_hash=token_hash(token_of(id_, secret=self.settings.secret_bytes)),
            terms=cast(Terms, asked | self._limits(wish)),
            password_hash=await hashed(wish.password) if wish.password else "",
            made_at=now,
            ends_at=_checked_end(wish.ends_at, now),
        )
        async with self.database.write() as connection:
            await people.remember(connection, principal, now)
            await file_requests.add(connection, principal, made)
        return JSONResponse(self._as_json(request, made))

    async def list(self, request: Request, principal: Owner) -> Response:
        """Handle `GET /api/requests?limit=&after=`: return one page of the principal's requests.

        Raises:
            BadRequestError: `limit` is invalid.
        """
        limit, after = read_limit(request), request.query_params.get("after", "")
        async with self.database.read() as connection:
            found = await file_requests.page(connection, principal, after=after, limit=limit)
        ways: Sequence[Way] = ("form",) if self.settings.grant == "form" else ("form", "sts")
        settings = self.settings
        answer: Requests = {
            "requests": [self._as_json(request, each) for each in found],
            "next": found[-1].id if len(found) == limit else None,
            "limits": {
                "longest_s": int(LONGEST.total_seconds()),
                "max_file_size": {way: _largest(settings, way, Permission()) for way in ways},
                "max_files": MOST,
                "max_guests": MOST,
                "types": [*settings.allowed_types],
                "checks": self.checks.names if self.checks else [],
            },
        }
        return JSONResponse(answer)

    async def change(self, request: Request, principal: Owner) -> Response:
        """Handle `PATCH /api/requests/{id}`: set the end of a request, close it or open it again.

        Raises:
            BadRequestError: a field is malformed.
            UnknownRequestError: the principal has no such request.
        """
        wish, now = await read_body(request, RequestChange), self.clock()
        id_: str = request.path_params["id"]
        values: dict[str, datetime | None] = {}
        if wish.ends_at is not None:
            values["ends_at"] = _checked_end(wish.ends_at, now)
        if wish.closed is not None:
            values["closed_at"] = now if wish.closed else None
        async with self.database.write() as connection:
            if values:
                await file_requests.change(connection, principal, id_, values)
            found = await file_requests.page(connection, principal, id_=id_)
        if not found:
            raise UnknownRequestError
        return JSONResponse(self._as_json(request, found[0]))

    async def files(self, request: Request, principal: Owner) -> Response:
        """Handle `GET /api/requests/{id}/files?limit=&after=`: return files of guests, by key.

        Raises:
            BadRequestError: a parameter is invalid.
            ForeignKeyError: `after` is not the key of a file of this request.
            UnknownRequestError: the principal has no such request.
        """
        limit, after = read_limit(request), request.query_params.get("after", "")
        id_: str = request.path_params["id"]
        prefix = folder_of_request(principal, id_)
        async with self.database.read() as connection:
            if not await file_requests.page(connection, principal, id_=id_):
                raise UnknownRequestError
        if after:
            check_own_key(after, prefix)
        found, last = await self.lists.ask_oss(prefix, after=after, limit=limit)
        async with self.database.read() as connection:
            ids = [guest_of(listed.key) for listed, _ in found]
            guests = await file_requests.guests_by_id(connection, ids)
        answer: GuestFiles = {
            "files": [{**object_json(*each), "guest": guest_of(each[0].key)} for each in found],
            "guests": {
                each.id: {"name": each.name, "email": each.email, "fields": dict(each.fields)}
                for each in guests.values()
                if each.request == id_
            },
            "next": last,
        }
        return JSONResponse(answer)

    def _limits(self, wish: NewRequest) -> dict[str, object]:
        """Return the size and the types of a request, within the limits of the settings.

        Raises:
            BadRequestError: the server does not allow the way or the types.
        """
        if wish.way == "sts" and self.settings.grant == "form":
            raise BadRequestError("way must be form.")
        settings = self.settings.model_copy(update={"grant": wish.way})
        try:
            wanted = Permission(max_file_size=wish.max_file_size, types=wish.types)
            allowed = narrowed(settings, wanted)
        except (AuthorizationError, ValueError) as error:
            raise BadRequestError(
                "types must be among those that the server allows; a form needs exact types, such"
                " as image/png."
            ) from error
        size = _largest(self.settings, wish.way, allowed)
        return {"max_file_size": size, "types": list(allowed.types)}

    def _as_json(self, request: Request, made: FileRequest) -> AskedFiles:
        origin = own_origin(request, self.settings.public_url)
        token = token_of(made.id, secret=self.settings.secret_bytes)
        return {
            **made.terms,
            "id": made.id,
            "link": f"{origin}{mount_path(request.scope)}/r/{token}",
            "has_password": bool(made.password_hash),
            "made_at": utc_text(made.made_at),
            "ends_at": utc_text(made.ends_at),
            "closed_at": utc_text(made.closed_at) if made.closed_at else None,
            "guests": made.guests,
            "files": made.files,
            "bytes": made.bytes,
            "last_at": utc_text(made.last_at) if made.last_at else None,
        }


def _largest(settings: Settings, way: Way, permission: Permission) -> int:
    if way == "form":
        return largest_file(settings, permission)
    return permission.max_file_size or settings.max_file_size


def _checked_end(ends_at: datetime, now: datetime) -> datetime:
    if not now < ends_at <= now + LONGEST:
        raise BadRequestError(f"ends_at must be in the future, at most {LONGEST.days} days ahead.")
    return ends_at
