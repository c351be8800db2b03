"""Permissions: limits that a host application sets for one grant, in addition to the settings.

An application passes the function `authorize` to `create_app`. The server calls it before each
grant. The returned `Permission` can only narrow what the settings allow: the folder is below the
principal's own prefix, the smaller size applies, and a file must have a type that both allow.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias

from starlette.requests import Request

from ossferry.access.application import APPLICATION_S, answer_of
from ossferry.errors import AuthorizationError
from ossferry.identity.owner import Owner
from ossferry.identity.principal import Principal
from ossferry.settings.model import Settings
from ossferry.settings.types import file_type

MAX_FOLDER = 128
_FOLDER = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """The limits that a host application sets for one grant; an `Authorize` function returns it.

    Attributes:
        folder: a folder below the principal's prefix, such as `course-7/essays`, with up to 128
            lower-case letters, digits, hyphens and slashes; empty for the whole prefix. OSS refuses
            uploads outside of the folder.
        max_file_size: size of the largest file in bytes; None for the size in the settings.
        types: allowed types in the syntax of the setting `allowed_types`; empty for the types in
            the settings.
        until: time when the grant ends at the latest; None for the lifetime in the settings.

    Raises:
        ValueError: a value is malformed.
    """

    folder: str = ""
    max_file_size: int | None = None
    types: Sequence[str] = ()
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.folder and (len(self.folder) > MAX_FOLDER or not _FOLDER.fullmatch(self.folder)):
            raise ValueError(
                "a folder has lower-case letters, digits, hyphens and slashes, and up to"
                f" {MAX_FOLDER} characters: {self.folder!r}"
            )
        if self.max_file_size is not None and self.max_file_size < 1:
            raise ValueError(f"max_file_size must be at least 1: {self.max_file_size}")
        if isinstance(self.types, str):
            raise ValueError("types must be a list")
        object.__setattr__(self, "types", tuple(file_type(each) for each in self.types))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A client's request for a grant, as the host application's `Authorize` function gets it.

    Attributes:
        kind: `credentials`, or `form` for a signed form.
        name: the file's name according to the client; empty if unknown.
        size: the file's size in bytes according to the client; None if unknown.
        content_type: the file's type according to the client; empty if unknown.

    For credentials, and for a form that the page requests instead of credentials, the file is
    always unknown: they allow any number of files.
    """

    kind: Literal["credentials", "form"]
    name: str = ""
    size: int | None = None
    content_type: str = ""


Authorize: TypeAlias = Callable[[Principal, Request, Wanted], Awaitable[Permission | None]]
"""A function that returns what a principal may upload, or None to allow what the settings allow.

It raises `NotAllowedError` if the principal may upload nothing.
"""


class Authorizer:
    """Combines the limits in the settings with the permission of the host application.

    Args:
        authorize: the host application's function; None if there is none.
        patience_s: seconds after which a call of `authorize` is cancelled.
    """

    def __init__(
        self, settings: Settings, authorize: Authorize | None, *, patience_s: float = APPLICATION_S
    ) -> None:
        self._settings = settings
        self._authorize = authorize
        self._patience_s = patience_s

    async def allowed(self, request: Request, principal: Owner, wanted: Wanted) -> Permission:
        """Return the limits for one grant: those in the settings, narrowed by the host application.

        Args:
            request: the client's request; the application's function gets it.
            wanted: a description of the requested grant; the application's function gets it, too.

        Raises:
            RefusedError: the application refuses the request.
            ApplicationLostError: the application's function did not return in time.
            AuthorizationError: the function did not return a `Permission` or None, or it returned a
                `Permission` with types that the settings do not allow or that a signed form cannot
                enforce.
        """
        if self._authorize is None:
            return narrowed(self._settings, Permission())
        asked = self._authorize(Principal(id=principal.id, name=principal.label), request, wanted)
        permission = await answer_of("authorize", asked, patience_s=self._patience_s)
        if permission is not None and not isinstance(permission, Permission):
            raise AuthorizationError("authorize must return a Permission or None.")
        return narrowed(self._settings, permission or Permission())


def narrowed(settings: Settings, permission: Permission) -> Permission:
    """Return a permission with the limits of the settings, where these are narrower.

    Raises:
        AuthorizationError: the settings allow none of the types, or a signed form cannot enforce
            them.
    """
    types = _common_types(settings.allowed_types, permission.types)
    if permission.types and not types:
        raise AuthorizationError("OSSFERRY_ALLOWED_TYPES has none of the types of a Permission.")
    if settings.grant == "form" and not all(map(_is_exact, types)):
        raise AuthorizationError("With OSSFERRY_GRANT=form, a Permission needs exact types.")
    size = settings.max_file_size
    return replace(
        permission, max_file_size=min(size, permission.max_file_size or size), types=types
    )


def _common_types(common: Sequence[str], own: Sequence[str]) -> Sequence[str]:
    """Return the types that both lists allow; an empty list allows all types."""
    if not common or not own:
        return common or own
    narrow = [each for each in own if any(_covers(wide, each) for wide in common)]
    narrow += [each for each in common if any(_covers(wide, each) for wide in own)]
    return tuple(dict.fromkeys(narrow))


def _covers(wide: str, narrow: str) -> bool:
    return wide == narrow or (wide.endswith("/*") and narrow.startswith(wide[:-1]))


def _is_exact(type_: str) -> bool:
    return not type_.startswith(".") and not type_.endswith("*")
