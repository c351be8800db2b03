"""Everything that the page needs to run checks: the JSON of `GET /api/checks`, and files.

All files are read and verified when the server starts. To use a changed `checks.py`, restart the
server.
"""

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from ossferry.checks.bundle import Bundle, Package, read_bundle, read_package
from ossferry.checks.selection import ListedCheck, RunJson, run_json, select_checks
from ossferry.checks.source import Source
from ossferry.errors import SettingsError
from ossferry.identity.owner import Owner
from ossferry.pages.assets import Assets, StoredFile, how_to_install, is_installed, stored_file
from ossferry.settings.model import Settings
from ossferry_checks.builtin.check_options import BuiltInOptions
from ossferry_checks.in_browser import reasons
from ossferry_checks.runner import Limits
from ossferry_checks.sentences import LANGUAGES

FILES = "/checks/files"
"""The path of the operator's files, which the page loads."""

WORKER = "checks_worker.js"
LIBRARY = "ossferry_checks.zip"
ENGINE = "pyodide"
MODULE_NAME = "checks.py"
PYDANTIC = "pydantic"
NEEDED_BY_BUILT_IN = {"xlsx": "openpyxl", "pdf": "pypdf"}
"""The packages in the built page, by the built-in checks that need them."""

MODULES = {"openpyxl": ("openpyxl", "et_xmlfile"), "pypdf": ("pypdf",)}
"""The modules in these packages."""


class LinkedFile(TypedDict):
    """The URL of a file, and the hash of its content (`sha256-<base64>`)."""

    url: str
    integrity: str


class CheckPackage(TypedDict):
    """How the page's web worker loads a Python package that the checks import.

    Attributes:
        name: the name of the package.
        url: the URL of the file, relative to the page.
        integrity: the hash of the file (`sha256-<base64>`).
        format: `wheel`, or `zip` for another ZIP archive of the package.
    """

    name: str
    url: str
    integrity: str
    format: Literal["wheel", "zip"]


class PageFiles(TypedDict):
    """The page's own files that run checks in the browser; URLs are relative to the page.

    Attributes:
        worker: the URL of the script of the web worker that runs the checks.
        library: the package `ossferry_checks` as an archive.
        pyodide: the URL of the folder with Pyodide.
        integrity: the hashes of the files in this folder, by file name.
        heic: a script that decodes HEIC images, or None if no check reads them.
    """

    worker: str
    library: LinkedFile
    pyodide: str
    integrity: dict[str, str]
    heic: LinkedFile | None


class Checks(RunJson):
    """The JSON response of `GET /api/checks`; URLs are relative to the page.

    Attributes:
        said: `said[language][reason]` is the sentence to show if the worker that runs the checks
            ends, or cannot start, for this reason, such as `timeout`.
        undo_s: seconds in which the person can choose the original of a file that a check has
            changed.
        version: the hash of the operator's `checks.py`; empty if there is none.
        module: the operator's `checks.py`, or None.
        packages: the Python packages that the checks import.
        files: the page's own files that run checks.
    """

    said: dict[str, dict[str, str]]
    undo_s: int
    version: str
    module: LinkedFile | None
    packages: list[CheckPackage]
    files: PageFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class PageChecks:
    """The checks that run in the page, and the handlers of `/api/checks` and `/checks/files/…`.

    Attributes:
        answer: the content of the response of `GET /api/checks`, before it is encoded as JSON.
        files: the operator's files (`checks.py` and wheels), by their URL path `HASH/NAME` below
            `/checks/files/`.
    """

    answer: Checks
    files: Mapping[str, StoredFile]

    @property
    def replaced(self) -> list[str]:
        """Patterns such as `*.jpg`: a check may replace a file whose name matches one of them."""
        return sorted({name for check in self.answer["checks"] for name in check["replaces"]})

    @property
    def names(self) -> list[str]:
        """The names by which checks are chosen: those of options for built-in checks."""
        return list(dict.fromkeys(map(_chosen_by, self.answer["checks"])))

    def chosen(self, names: Collection[str] | None) -> Checks:
        """Return `answer` with only the checks in `names`, or with all if `names` is None."""
        if names is None:
            return self.answer
        answer = self.answer.copy()
        answer["checks"] = [each for each in answer["checks"] if _chosen_by(each) in names]
        answer["built_in"] = {name: on for name, on in answer["built_in"].items() if name in names}
        return answer

    async def show(self, _request: Request, _principal: Owner) -> Response:
        """Handle `GET /api/checks`: return the checks that the page runs before an upload.

        The document has the URLs of their files, too.
        """
        return JSONResponse(self.answer)

    async def file(self, request: Request) -> Response:
        """Handle `GET /checks/files/{hash}/{name}`: return `checks.py` or a wheel.

        Browsers may cache the file permanently, because the path contains a hash of the content.
        The response is 404 if there is no such file.

        The request needs no authentication, because the web worker that sends it has no bearer
        token. Only people who know the hash can find the path. It is in the response of `show`, and
        the path of `checks.py` can be computed from its version in a receipt.
        """
        params = request.path_params
        file = self.files.get(f"{params['hash']}/{params['name']}")
        if file is None:
            raise HTTPException(404)
        return file.respond(request, cache_control="private, max-age=31536000, immutable")


def _chosen_by(check: ListedCheck) -> str:
    return "photos" if check["built_in"] and check["name"].startswith("photo_") else check["name"]


def can_check() -> bool:
    """Return whether Pyodide, the interpreter that runs checks in the page, is installed.

    Raises:
        SettingsError: there is no built page.
    """
    return is_installed(ENGINE)


def load_checks(settings: Settings, assets: Assets) -> PageChecks | None:
    """Read and verify everything that checks in the page need; return None if no check is on.

    Raises:
        SettingsError: Pyodide is not installed, the built page lacks files for checks, or a file of
            the operator is missing or malformed.
    """
    if not settings.has_checks:
        return None
    files = _page_files(assets, settings.checks_built_in)
    selection = select_checks(settings)
    bundle = read_bundle(settings)
    _refuse_missing_pydantic(settings.checks_built_in, bundle)
    own: dict[str, StoredFile] = {}
    module = _add_module(own, selection.source) if selection.source else None
    packages = [_packaged(assets, each) for each in _needed(settings.checks_built_in)]
    if bundle and settings.checks_dir:
        packages += [_add_wheel(own, settings.checks_dir, each) for each in bundle.packages]
    answer: Checks = {
        **run_json(settings, selection, Limits()),
        "said": {language: reasons(language) for language in LANGUAGES},
        "undo_s": settings.checks_undo_s,
        "version": selection.version,
        "module": module,
        "packages": packages,
        "files": files,
    }
    return PageChecks(answer=answer, files=own)


def provided_modules(options: BuiltInOptions) -> set[str]:
    """Return the names of modules that checks in the page can import even if there is no bundle.

    The modules of the standard library are not included.

    Args:
        options: the built-in checks that are on; some of them bring a module such as `pypdf`.
    """
    modules = (module for name in _needed(options) for module in MODULES[name])
    return {"ossferry_checks", *modules}


def _needed(options: BuiltInOptions) -> list[str]:
    """Return the packages that the built-in checks import."""
    needed = [name for check, name in NEEDED_BY_BUILT_IN.items() if getattr(options, check)]
    if options.table and options.table.repair and not options.xlsx:
        needed.insert(0, NEEDED_BY_BUILT_IN["xlsx"])
    return needed


def _refuse_missing_pydantic(options: BuiltInOptions, bundle: Bundle | None) -> None:
    has_pydantic = bundle and any(each.name == PYDANTIC for each in bundle.packages)
    if options.table and options.table.model and not has_pydantic:
        raise SettingsError(
            "OSSFERRY_CHECKS_BUILT_IN: table.model needs pydantic; add it to"
            " OSSFERRY_CHECKS_PACKAGES, and run `ossferry checks bundle --update`."
        )


def _page_files(assets: Assets, options: BuiltInOptions) -> PageFiles:
    engine = assets.group(ENGINE)
    if ENGINE in assets.missing or not engine:
        option = "OSSFERRY_CHECKS and OSSFERRY_CHECKS_BUILT_IN"
        raise SettingsError(f"{option} need Pyodide. {how_to_install(ENGINE)}")
    folder = str(PurePosixPath(next(iter(engine.values()))).parent)
    heic = assets.group("heic") if options.photos and options.photos.heic else {}
    scripts = [url for name, url in heic.items() if name.endswith((".js", ".mjs"))]
    return {
        "worker": _relative(assets.needed(WORKER)),
        "library": _linked(assets, LIBRARY),
        "pyodide": _relative(f"{folder}/"),
        "integrity": {name: assets.integrity(url) for name, url in engine.items()},
        "heic": _linked_at(assets, scripts[0]) if scripts else None,
    }


def _add_module(own: dict[str, StoredFile], source: Source) -> LinkedFile:
    """Add the operator's module to the files, and return its address."""
    path = f"{_digest(source.version)}/{MODULE_NAME}"
    own[path] = stored_file(source.path, source.content, "text/x-python; charset=utf-8")
    return {"url": _relative(f"{FILES}/{path}"), "integrity": source.version}


def _add_wheel(own: dict[str, StoredFile], folder: Path, package: Package) -> CheckPackage:
    """Add a wheel to the files, and return its address."""
    path = f"{package.sha256[:20]}/{package.file}"
    content = read_package(folder, package)
    own[path] = stored_file(folder / package.file, content, "application/zip")
    hashed = base64.b64encode(bytes.fromhex(package.sha256)).decode()
    return {
        "name": package.name,
        "url": _relative(f"{FILES}/{path}"),
        "integrity": f"sha256-{hashed}",
        "format": "wheel",
    }


def _packaged(assets: Assets, name: str) -> CheckPackage:
    """Return the address of a Python package in the built page."""
    linked = _linked(assets, f"{name}.zip")
    return {"name": name, **linked, "format": "zip"}


def _linked(assets: Assets, name: str) -> LinkedFile:
    return _linked_at(assets, assets.needed(name))


def _linked_at(assets: Assets, url: str) -> LinkedFile:
    return {"url": _relative(url), "integrity": assets.integrity(url)}


def _relative(url: str) -> str:
    return f".{url}"


def _digest(integrity: str) -> str:
    """Return the beginning of a hash `sha256-<base64>` in hexadecimal digits."""
    return base64.b64decode(integrity.removeprefix("sha256-")).hex()[:20]
