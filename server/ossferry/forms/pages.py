"""The pages below `/form`, for browsers that cannot run the upload page.

`GET /form` has a signed form; it needs no script. OSS sends the browser back to `/form/back`, which
leads on to `/form/arrived`: cookies that are for our own pages alone do not come along when another
site leads here. There the server looks at what is stored, and records it like any other upload.

Nothing that OSS or the browser puts into an address is believed: it holds a directory and a proof
that this server made it for this person.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ossferry.access.authenticator import Authenticator
from ossferry.access.gate import FOR_CREDENTIALS_PAGE
from ossferry.clock import Clock
from ossferry.errors import CrossSiteError, NowhereError
from ossferry.forms.html import FormHtml
from ossferry.forms.service import ACTIONS, FormRequest, Forms
from ossferry.forms.words import WORDS
from ossferry.grants.endpoints import GrantPurpose, TokenApi
from ossferry.grants.file_types import takes
from ossferry.http.languages import VARY, keep_language, language_of
from ossferry.identity.object_keys import DAY, RANDOM, safe_name
from ossferry.identity.owner import Owner
from ossferry.oss.objects import ObjectStore, Stored
from ossferry.settings.model import Settings
from ossferry.uploads.receipts import Recorder

__all__ = ["FormPages"]

MAX_FILES = 10
"""That one form has stored and are looked at; whoever goes back may send another name."""

_UPLOAD = re.compile(rf"({DAY})\.({RANDOM})\.([0-9a-f]{{32}})")


class FormPages:
    """The routes."""

    def __init__(
        self,
        settings: Settings,
        forms: Forms,
        html: FormHtml,
        *,
        token: TokenApi,
        authenticator: Authenticator,
        store: ObjectStore | None,
        recorder: Recorder | None,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._forms = forms
        self._html = html
        self._token = token
        self._authenticator = authenticator
        self._store = store
        self._recorder = recorder
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """Answer `GET /form` with a form, or with what people see who have to sign in first."""
        language = _language(request)
        instead = await self._authenticator.welcome(request)
        if instead is not None:
            return instead
        purpose = GrantPurpose(action="form", actions=ACTIONS, checks=FOR_CREDENTIALS_PAGE)
        try:
            granted = await self._token.obtain(request, purpose)
        except CrossSiteError:  # the user continues with a click on a link of this site
            return _answer(self._html.onward("/form", language=language, at_once=False), 403)
        chosen = {"lang": language} if "lang" in request.query_params else {}

        def success(directory: str) -> tuple[str, str]:
            query = urlencode({"upload": self._named(granted.owner, directory), **chosen})
            return "success_action_redirect", f"{self._origin(request)}/form/back?{query}"

        form = self._forms.sign(granted, FormRequest(), success=success)
        life_s = int((form.expires_at - self._clock()).total_seconds())
        response = _answer(self._html.form(form, life_s=life_s, language=language))
        if chosen:
            keep_language(response, language)
        self._authenticator.renew(request, response)
        return response

    async def back(self, request: Request) -> Response:
        """Answer `GET /form/back`, where OSS sends a browser whose file it has stored."""
        upload = request.query_params.get("upload", "")
        if not _UPLOAD.fullmatch(upload):
            raise NowhereError("This is no address of an upload.")
        language = _language(request)
        chosen = {"lang": language} if "lang" in request.query_params else {}
        target = f"/form/arrived?{urlencode({'upload': upload, **chosen})}"
        return _answer(self._html.onward(target, language=language, at_once=True))

    async def arrived(self, request: Request, owner: Owner) -> Response:
        """Answer `GET /form/arrived` with what OSS has of this form.

        Raises:
            NowhereError: no form of theirs has such an address.
            OssLostError, OssRefusedError, LedgerLostError: nobody can say.
        """
        directory = self._directory(request.query_params.get("upload", ""), owner)
        language = _language(request)
        if self._store is None or self._recorder is None:
            return _answer(self._html.outcome("unchecked", language=language, good=True))
        found = await self._find(self._store, directory)
        if not found:
            return _answer(self._html.outcome("nothing", language=language), 404)
        kept = [each for each in found if self._is_taken(each, directory)]
        for each in kept:
            await self._recorder.record(owner, each, source="form")
        if len(kept) < len(found):
            for each in found:
                if each not in kept:
                    await self._store.delete(each.key)
            return _answer(self._html.outcome("removed", language=language), 415)
        return _answer(self._html.arrived(kept, directory, language=language))

    async def _find(self, store: ObjectStore, directory: str) -> Sequence[Stored]:
        """Return what lies in a directory, each under a safe name."""
        found = []
        for listed in await store.list(directory, after="", limit=MAX_FILES):
            stored = await store.head(listed.key)
            if stored is not None:
                found.append(await _renamed(store, stored, directory))
        return [each for each in found if each is not None]

    def _is_taken(self, stored: Stored, directory: str) -> bool:
        name = stored.key.removeprefix(directory)
        return takes(self._settings.allowed_types, name, stored.content_type)

    def _origin(self, request: Request) -> str:
        """Return where browsers find us; the name in a request is one of ours, see `HostGuard`."""
        own = f"{request.url.scheme}://{request.headers['host']}"
        return self._settings.public_url or own

    def _named(self, owner: Owner, directory: str) -> str:
        day, random, _ = directory.removeprefix(owner.prefix).split("/")
        return f"{day}.{random}.{self._proof(owner, day, random)}"

    def _directory(self, upload: str, owner: Owner) -> str:
        parts = _UPLOAD.fullmatch(upload)
        if parts is None:
            raise NowhereError("This is no address of an upload.")
        day, random, proof = parts.groups()
        if not hmac.compare_digest(proof, self._proof(owner, day, random)):
            raise NowhereError("This is no address of an upload of yours.")
        return f"{owner.prefix}{day}/{random}/"

    def _proof(self, owner: Owner, day: str, random: str) -> str:
        text = f"ossferry/form\0{owner.prefix}{day}/{random}/"
        return hmac.new(self._settings.secret_bytes, text.encode(), hashlib.sha256).hexdigest()[:32]


async def _renamed(store: ObjectStore, stored: Stored, directory: str) -> Stored | None:
    """Return an object under a safe name, which a browser without the page cannot make."""
    target = directory + safe_name(stored.key.removeprefix(directory))
    if target == stored.key:
        return stored
    await store.copy(stored, target)
    await store.delete(stored.key)
    return await store.head(target)


def _language(request: Request) -> str:
    return language_of(request, list(WORDS))


def _answer(page: str, status: int = 200) -> Response:
    return HTMLResponse(page, status, headers={"vary": VARY})
