"""Serves the page: one file per interpreter, chosen by the settings.

The page is checked again on every visit (`no-cache`); what it loads has hashed names.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response

from ossferry.assets import SUFFIXES, StoredFile, load_file
from ossferry.auth import Way
from ossferry.errors import SettingsError
from ossferry.settings import Runtime, Settings

__all__ = ["Pages"]


class Pages:
    """The page for each interpreter."""

    def __init__(self, settings: Settings, files: Mapping[str, StoredFile], way: Way) -> None:
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
            files = {runtime: _load_page(web_dir, runtime) for runtime in get_args(Runtime)}
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
        response = self._files[runtime].respond(request, cache_control="no-cache")
        self._way.renew(request, response)
        return response


def _load_page(web_dir: Path, runtime: str) -> StoredFile:
    path = web_dir / f"index.{runtime}.html"
    encodings = [name for name, end in SUFFIXES.items() if path.with_name(path.name + end).exists()]
    return load_file(path, "text/html; charset=utf-8", encodings)
