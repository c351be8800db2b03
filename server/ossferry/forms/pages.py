"""`POST /api/form`, and the pages below `/form` for browsers that cannot run the upload page.

`GET /form` returns a signed form that needs no script. After the upload, OSS redirects the browser
to `/form/back`. This page forwards the browser to `/form/arrived`, because browsers do not send
`SameSite=Strict` cookies after a redirect from another site. `/form/arrived` records the stored
objects as uploads.

The URLs of `/form/back` and `/form/arrived` contain the directory of the upload and an HMAC. The
HMAC proves that this server created the URL for this principal.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from ossferry.access.authenticator import Authenticator
from ossferry.access.gate import FOR_CREDENTIALS_PAGE, Requirements
from ossferry.clock import Clock, utc_text
from ossferry.errors import CrossSiteError, NowhereError
from ossferry.forms.html import FormHtml
from ossferry.forms.service import Form, Forms, FormWish
from ossferry.grants.answers import callback_of
from ossferry.grants.endpoints import TokenApi
from ossferry.grants.file_types import takes
from ossferry.grants.permission import Permission
from ossferry.http.hosts import own_origin
from ossferry.http.languages import LANGUAGES, VARY, keep_language, language_of
from ossferry.http.security_headers import FORM
from ossferry.identity.object_keys import DAY, RANDOM, safe_name
from ossferry.identity.owner import Owner
from ossferry.mount import mount_path, route_path
from ossferry.oss.objects import Stored
from ossferry.settings.model import Settings
from ossferry.uploads.places import Places
from ossferry.uploads.receipts import Recorder

MAX_FILES = 10
"""Maximum number of objects that the server reads for one form; a user may send the form again."""

Need: TypeAlias = Literal["checked", "encrypted", "typed"]
"""What files need, if a form cannot do it."""

_UPLOAD = re.compile(rf"({DAY})\.({RANDOM})\.([0-9a-f]{{32}})")


@dataclass(slots=True, eq=False, repr=False)
class FormPages:
    """The handlers of `POST /api/form` and of the pages below `/form`."""

    settings: Settings
    forms: Forms
    html: FormHtml
    _: KW_ONLY
    token: TokenApi
    authenticator: Authenticator
    store: Places | None
    recorder: Recorder | None
    clock: Clock

    async def create(self, request: Request) -> Response:
        """Handle `POST /api/form`: return a signed form for one file.

        The body may be empty, or describe the file: `{"name": "a.pdf", "size": 5, "type":
        "application/pdf"}`. The form then allows only this name, size and type.
        """
        grant, wish = await self.token.obtain(
            request, FormWish, kind="form", check=self.forms.check
        )
        callback = callback_of(self.settings, mount_path(request.scope))
        form = self.forms.sign(grant, wish, callback=callback)
        answer: Form = {
            "url": form.url,
            "fields": form.fields,
            "key": form.key,
            "directory": form.directory,
            "expires_at": utc_text(form.expires_at),
            "server_time": utc_text(self.clock(), timespec="milliseconds"),
            "limits": {
                "min_size": form.min_size,
                "max_size": form.max_size,
                "types": list(grant.permission.types),
                "quota": grant.left,
            },
        }
        response = JSONResponse(answer)
        self.authenticator.renew(request, response)
        return response

    async def show(self, request: Request) -> Response:
        """Handle `GET /form`: return a page with a form.

        If the user is not signed in and there is a sign-in page, redirect the browser to it.

        If the settings or the principal's permission require something that a form cannot do, such
        as encrypted files, the returned page explains this and has no form.
        """
        if need := _need(self.settings):
            return self._refuse(need, request)
        instead = await self.authenticator.welcome(request)
        if instead is not None:
            return instead
        return await self.offer(request, self.token, FOR_CREDENTIALS_PAGE)

    async def offer(
        self, request: Request, token: TokenApi, requirements: Requirements
    ) -> Response:
        """Return a page with a form, for the principal or guest of a request.

        Args:
            token: issues the grant that signs the form.
            requirements: the conditions that the request must meet.
        """
        if need := _need(self.settings):
            return self._refuse(need, request)
        try:
            grant, wish = await token.obtain(
                request, FormWish, kind="form", requirements=requirements, check=self._check_types
            )
        except NowhereError:  # from `_check_types`
            return self._refuse("typed", request)
        except CrossSiteError:  # the user continues with a click on a link of this site
            return self.answer(request, "onward", 403, target="/form", at_once=False)
        chosen = _chosen(request)

        def success(directory: str) -> tuple[str, str]:
            query = urlencode({**self._named(grant.principal, directory), **chosen})
            origin = own_origin(request, self.settings.public_url)
            back = f"{origin}{_base(request)}/form/back?{query}"
            return "success_action_redirect", back

        form = self.forms.sign(grant, wish, success=success)
        life_s = int((form.expires_at - self.clock()).total_seconds())
        response = self.answer(request, "form", form=form, life_s=life_s)
        if chosen:
            keep_language(response, chosen["lang"])
        self.authenticator.renew(request, response)
        return response

    async def back(self, request: Request) -> Response:
        """Handle `GET /form/back`, where OSS redirects the browser after storing the file.

        The returned page forwards the browser to `/form/arrived`.

        Raises:
            NowhereError: the parameter `upload` of the URL is missing or malformed.
        """
        given = request.query_params
        if not _UPLOAD.fullmatch(given.get("upload", "")):
            raise NowhereError("This is not the address of an upload.")
        upload = {name: given[name] for name in ("upload", "folder") if name in given}
        target = f"/form/arrived?{urlencode({**upload, **_chosen(request)})}"
        return self.answer(request, "onward", target=target, at_once=True)

    async def arrived(self, request: Request, principal: Owner) -> Response:
        """Handle `GET /form/arrived`: record and list the objects that the form has stored.

        Objects of a type that the settings do not allow are deleted instead; the returned page then
        says so.

        Raises:
            NowhereError: the URL is malformed, or belongs to another principal.
            OssLostError, OssRefusedError, LedgerLostError: the objects cannot be read or recorded.
        """
        directory = self._directory(request.query_params, principal)
        if self.store is None or self.recorder is None:
            return self.answer(request, "outcome", what="unchecked", good=True)
        found = await self._find(self.store, directory)
        if not found:
            return self.answer(request, "outcome", 404, what="nothing", good=False)
        kept = [each for each in found if self._is_taken(each, directory)]
        for each in kept:
            await self.recorder.record(principal, each, source="form")
        if len(kept) < len(found):
            for each in found:
                if each not in kept:
                    await self.store.remove(each)
            return self.answer(request, "outcome", 415, what="removed", good=False)
        return self.answer(request, "arrived", stored=kept, directory=directory)

    def _refuse(self, need: Need, request: Request) -> Response:
        """Return a page that says why there is no form, and leads to the upload page."""
        return self.answer(request, "outcome", 404, what=need, good=False, has_form=False)

    def answer(
        self, request: Request, template: str, status: int = 200, **values: object
    ) -> Response:
        """Return a page from a template and the values that `FormHtml.page` describes."""
        base, language = _base(request), language_of(request, LANGUAGES)
        page = self.html.page(template, base=base, language=language, **values)
        return HTMLResponse(page, status, headers={"vary": VARY})

    async def _find(self, store: Places, directory: str) -> Sequence[Stored]:
        """Return the objects in a directory; first move objects with unsafe names to safe names."""
        found = []
        for listed in await store.list(directory, after="", limit=MAX_FILES):
            stored = await store.head(listed.key)
            if stored is not None:
                found.append(await _renamed(store, stored, directory))
        return [each for each in found if each is not None]

    def _is_taken(self, stored: Stored, directory: str) -> bool:
        name = stored.key.removeprefix(directory)
        return takes(self.settings.allowed_types, name, stored.content_type)

    def _check_types(self, _wish: FormWish, permission: Permission) -> None:
        """Refuse types of an application's permission: `arrived` knows those in the settings only.

        Raises:
            NowhereError: a permission limits the types.
        """
        if permission.types != self.settings.allowed_types:
            raise NowhereError("A form for any file cannot check the type, which is required here.")

    def _named(self, principal: Owner, directory: str) -> Mapping[str, str]:
        """Return the query parameters that name the directory of an upload."""
        *folder, day, random, _ = directory.removeprefix(principal.prefix).split("/")
        named = {"upload": f"{day}.{random}.{self._proof(directory)}"}
        return named | ({"folder": "/".join(folder)} if folder else {})

    def _directory(self, given: Mapping[str, str], principal: Owner) -> str:
        parts = _UPLOAD.fullmatch(given.get("upload", ""))
        if parts is None:
            raise NowhereError("This is not the address of an upload.")
        day, random, proof = parts.groups()
        folder = f"{given['folder']}/" if given.get("folder") else ""
        directory = f"{principal.prefix}{folder}{day}/{random}/"
        if not hmac.compare_digest(proof, self._proof(directory)):
            raise NowhereError("This is not the address of one of your uploads.")
        return directory

    def _proof(self, directory: str) -> str:
        text = f"ossferry/form\0{directory}"
        return hmac.new(self.settings.secret_bytes, text.encode(), hashlib.sha256).hexdigest()[:32]


def _base(request: Request) -> str:
    """Return the path below which the pages are: the mount and, for a guest, the guest's page."""
    return mount_path(request.scope) + route_path(request.scope).partition(FORM)[0]


def _need(settings: Settings) -> Need | None:
    """Return what files need by the settings, if a form cannot do it.

    With `checks_on_error` set to `allow`, files may be sent without the checks.
    """
    if settings.encrypt_public_key is not None:
        return "encrypted"
    if settings.has_checks and settings.checks_on_error == "reject":
        return "checked"
    if settings.grant == "form" and settings.allowed_types:
        return "typed"
    return None


async def _renamed(store: Places, stored: Stored, directory: str) -> Stored | None:
    """Move an object with an unsafe name to a safe name, and return the moved object.

    An object with a safe name is returned unchanged. Return None if the object no longer exists.
    Unsafe names occur because a form without scripts sends the browser's file name unchanged.
    """
    target = directory + safe_name(stored.key.removeprefix(directory))
    if target == stored.key:
        return stored
    if not await store.copy(stored, target):
        return None
    await store.remove(stored)
    return await store.head(target)


def _chosen(request: Request) -> dict[str, str]:
    """Return the query parameter for the language, if the address of this page has one."""
    language = language_of(request, LANGUAGES)
    return {"lang": language} if "lang" in request.query_params else {}
