"""The handlers of the upload page, of its files, and of the question which sites may embed it.

The page is one HTML file for each Python interpreter and each user language.

The settings choose the interpreter, MicroPython or Pyodide; the request determines the language.
Browsers revalidate the page on every visit (`no-cache`). The files that the page loads have hashes
in their paths.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from ossferry.access.authenticator import Authenticator
from ossferry.errors import NowhereError, SettingsError
from ossferry.http.languages import DEFAULT, VARY, language_of
from ossferry.pages.assets import SUFFIXES, Assets, StoredFile, how_to_install, load_file
from ossferry.settings.choices import FrameLevel, Runtime
from ossferry.settings.model import Settings

IMMUTABLE = "public, max-age=31536000, immutable"
ONE_DAY = "public, max-age=86400"
ONE_HOUR = "public, max-age=3600"


class Embedding(TypedDict):
    """The JSON response of `GET /api/embedding`.

    `level` says what a site learns about uploads if it embeds the upload page. `counts`: the
    numbers of files and bytes. `results`: also names, keys and checksums. `none`: the site may
    not embed the page.
    """

    level: FrameLevel | Literal["none"]


@dataclass(slots=True, eq=False, repr=False)
class AssetApi:
    """The handlers of the routes `/assets/`, `/embed.js`, `/favicon.ico` and `/api/embedding`.

    Attributes:
        levels: a mapping from the origins that may embed the page to `counts` or `results`.
    """

    assets: Assets
    levels: Mapping[str, FrameLevel]

    async def asset(self, request: Request) -> Response:
        """Handle `GET /assets/{path}`: return a file of the page; status 404 if there is none.

        Browsers may cache the file permanently, because the path contains a hash of the content.
        """
        file = self.assets.find(f"/assets/{request.path_params['path']}")
        if file is None:
            raise HTTPException(404)
        return file.respond(request, cache_control=IMMUTABLE)

    async def embed(self, request: Request) -> Response:
        """Handle `GET /embed.js`: return the script with which a site embeds the upload page.

        Any site may load the script. The `frame-ancestors` directive limits which sites can embed
        the page.
        """
        file = self.assets.find(self.assets.address("embed.js"))
        if file is None:
            raise HTTPException(404)
        response = file.respond(request, cache_control=ONE_HOUR)
        response.headers["access-control-allow-origin"] = "*"
        return response

    async def icon(self, request: Request) -> Response:
        """Handle `GET /favicon.ico`: return the icon; browsers request this path by default."""
        assets = self.assets
        file = assets.find("/favicon.ico") or assets.find(assets.address("favicon.svg"))
        if file is None:
            return Response(status_code=204)
        return file.respond(request, cache_control=ONE_DAY)

    async def embedding(self, request: Request) -> Response:
        """Handle `GET /api/embedding?origin=`: return what a site learns that embeds the page.

        No authentication is necessary: `embed.js` on any site uses the response to explain why the
        frame with the upload page stays empty. The `frame-ancestors` directive of the page allows
        all origins whose level is not `none`.
        """
        answer: Embedding = {
            "level": self.levels.get(request.query_params.get("origin", ""), "none")
        }
        return JSONResponse(answer, headers={"access-control-allow-origin": "*"})


class Pages:
    """Serves the upload page at the route `/`, in the language of the user.

    All HTML files of the page are loaded into memory.

    Args:
        web_dir: folder of the built page, which contains the HTML files.
        assets: the other files of the page.
        runtime_query: whether the parameter `runtime` in the URL can choose the interpreter instead
            of the settings.

    Raises:
        SettingsError: an HTML file is missing in `web_dir`, or the interpreter of the settings
            is not installed.
    """

    def __init__(
        self,
        settings: Settings,
        web_dir: Path,
        assets: Assets,
        authenticator: Authenticator,
        *,
        runtime_query: bool = False,
    ) -> None:
        if settings.runtime in assets.missing:
            raise SettingsError(f"OSSFERRY_RUNTIME: {how_to_install(settings.runtime)}")
        try:
            self._files = {each: _load_pages(web_dir, each) for each in get_args(Runtime)}
        except OSError as error:
            raise SettingsError(
                f"OSSFERRY_WEB_DIR: a page is missing in {web_dir}; run `make build`."
            ) from error
        self._runtime = settings.runtime
        self._runtime_query = runtime_query
        self._missing = assets.missing
        self._authenticator = authenticator

    async def show(self, request: Request) -> Response:
        """Handle `GET /`: return the upload page, or a redirect if the user must sign in first.

        Raises:
            NowhereError: the URL selects an interpreter that is not installed.
        """
        instead = await self._authenticator.welcome(request)
        if instead is not None:
            return instead
        response = self.page(request)
        self._authenticator.renew(request, response)
        return response

    def page(self, request: Request) -> Response:
        """Return the upload page in the language of the user, who need not be signed in.

        Raises:
            NowhereError: the URL selects an interpreter that is not installed.
        """
        runtime: str = self._runtime
        wanted = request.query_params.get("runtime", "")
        if self._runtime_query and wanted in self._files:
            runtime = wanted
        if runtime in self._missing:
            raise NowhereError(how_to_install(runtime))
        pages = self._files[runtime]
        page = pages[language_of(request, list(pages))]
        response = page.respond(request, cache_control="no-cache")
        response.headers["vary"] = f"Accept-Encoding, {VARY}"
        return response


def _load_pages(web_dir: Path, runtime: str) -> dict[str, StoredFile]:
    """Return a mapping from languages to pages for one Python interpreter; English comes first."""
    found = {DEFAULT: _load_page(web_dir / f"index.{runtime}.html")}
    for path in sorted(web_dir.glob(f"index.{runtime}.*.html")):
        found[path.name.split(".")[2]] = _load_page(path)
    return found


def _load_page(path: Path) -> StoredFile:
    encodings = [name for name, end in SUFFIXES.items() if path.with_name(path.name + end).exists()]
    return load_file(path, "text/html; charset=utf-8", encodings)
