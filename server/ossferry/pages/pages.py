"""Serves the page: one file per interpreter, chosen by the settings, and per language.

The language is what a person chose in the page (a cookie), else what the browser asks for. The page
is checked again on every visit (`no-cache`); what it loads has hashed names.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response

from ossferry.errors import SettingsError
from ossferry.http.languages import FALLBACK, VARY, language_of
from ossferry.identity.principal import Way
from ossferry.pages.assets import SUFFIXES, StoredFile, load_file
from ossferry.settings.model import Runtime, Settings

__all__ = ["Pages"]


class Pages:
    """The page for each interpreter and language."""

    def __init__(
        self, settings: Settings, files: Mapping[str, Mapping[str, StoredFile]], way: Way
    ) -> None:
        self._settings = settings
        self._files = files
        self._way = way

    @classmethod
    def load(cls, settings: Settings, web_dir: Path, way: Way) -> "Pages":
        """Read every page.

        Raises:
            SettingsError: a page is missing.
        """
        try:
            files = {runtime: _load_pages(web_dir, runtime) for runtime in get_args(Runtime)}
        except OSError as error:
            raise SettingsError(
                f"OSSFERRY_WEB_DIR: a page is missing in {web_dir}; run `make build`."
            ) from error
        return cls(settings, files, way)

    async def show(self, request: Request) -> Response:
        """Answer `GET /`, or what people see who have to sign in first."""
        instead = await self._way.welcome(request)
        if instead is not None:
            return instead
        runtime: str = self._settings.runtime
        wanted = request.query_params.get("runtime", "")
        if self._settings.allow_runtime_query and wanted in self._files:
            runtime = wanted
        pages = self._files[runtime]
        page = pages[language_of(request, list(pages))]
        response = page.respond(request, cache_control="no-cache")
        response.headers["vary"] = f"Accept-Encoding, {VARY}"
        self._way.renew(request, response)
        return response


def _load_pages(web_dir: Path, runtime: str) -> dict[str, StoredFile]:
    """Return the page in each language that it was built in, English first."""
    found = {FALLBACK: _load_page(web_dir / f"index.{runtime}.html")}
    for path in sorted(web_dir.glob(f"index.{runtime}.*.html")):
        found[path.name.split(".")[2]] = _load_page(path)
    return found


def _load_page(path: Path) -> StoredFile:
    encodings = [name for name, end in SUFFIXES.items() if path.with_name(path.name + end).exists()]
    return load_file(path, "text/html; charset=utf-8", encodings)
