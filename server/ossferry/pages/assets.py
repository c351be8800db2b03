"""The files of the built upload page.

The build writes a manifest: a list of all files with their hashes. Only files in the manifest are
served, and their hashes are verified when the server starts. Each requested path is looked up in a
table, so a request cannot read any other file. Small files are kept in memory; large files are
streamed from disk.

Most bytes of the page belong to files that only the interpreter Pyodide uses. The manifest's entry
`separate` lists their folders. If `web_dir` does not have these folders, they are in the Python
package `ossferry_pyodide`, or Pyodide is not installed.
"""

import base64
import hashlib
import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ossferry.errors import SettingsError
from ossferry.extras import install_command

SUFFIXES = {"br": ".br", "gzip": ".gz"}
KEPT_IN_MEMORY = 512 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A file of the page in one encoding; `content` is None if responses read it from disk."""

    path: Path
    etag: str
    content: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of the page with its compressed copies.

    Attributes:
        variants: a mapping from encodings, such as `br`, to the encoded file, the preferred
            encoding first. The encoding `""` means the uncompressed file.
        integrity: the hash of the uncompressed file, `sha256-<base64>`; empty if it is not known.
    """

    content_type: str
    variants: Mapping[str, Variant]
    integrity: str = ""

    def respond(self, request: Request, *, cache_control: str) -> Response:
        """Return a response with the file in the best encoding that the client accepts.

        The response has status 304 and no content if the client already has the current file.
        """
        encoding = _negotiate(request.headers.get("accept-encoding", ""), self.variants)
        variant = self.variants[encoding]
        # a 304 has a type too: the security headers depend on it, and replace the cached ones
        headers = {
            "cache-control": cache_control,
            "content-type": self.content_type,
            "etag": variant.etag,
            "vary": "Accept-Encoding",
        }
        if variant.etag in _etags(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        if encoding:
            headers["content-encoding"] = encoding
        if variant.content is None:
            return FileResponse(variant.path, headers=headers, media_type=self.content_type)
        return Response(variant.content, headers=headers)


class Assets:
    """The files below `/assets/` and the icon, as listed in the manifest of a built page.

    Attributes:
        inline: hashes of the page's inline scripts and styles, by directive of the header
            Content-Security-Policy.
        missing: names of the page's Python interpreters that are not installed.

    Raises:
        SettingsError: a file is missing or differs from the manifest.
    """

    def __init__(self, web_dir: Path) -> None:
        manifest = _manifest(web_dir)
        try:
            parents = {
                at: _find_parent(at, runtime, web_dir)
                for runtime, folders in manifest.get("separate", {}).items()
                for at in folders
            }
            self._files = {}
            for url, entry in manifest["files"].items():
                parent = parents.get(url.rpartition("/")[0], web_dir)
                if parent is not None:
                    self._files[url] = _load_listed(parent / url.lstrip("/"), entry)
        except (OSError, ValueError, KeyError) as error:
            raise _incomplete(web_dir, error) from error
        self.inline: Mapping[str, Sequence[str]] = manifest.get("inline", {})
        self.missing = _missing(manifest, web_dir)

    def find(self, url: str) -> StoredFile | None:
        """Return the file at a URL path, such as `/favicon.ico`; None if there is no file."""
        return self._files.get(url)

    def address(self, name: str) -> str:
        """Return the URL path of the file with this name; empty if the page has no such file.

        Args:
            name: name without folders, such as `embed.js`; the folder in the URL contains a hash.
        """
        return next((url for url in self._files if url.endswith(f"/{name}")), "")

    def group(self, name: str) -> dict[str, str]:
        """Return the files in one folder of assets, as a mapping from file names to URL paths.

        Args:
            name: name of the folder without its hash, such as `pyodide`.
        """
        urls = (url for url in self._files if url.startswith(f"/assets/{name}-"))
        return {url.rpartition("/")[2]: url for url in urls}

    def integrity(self, url: str) -> str:
        """Return the hash of the file at a URL path, as `sha256-<base64>`.

        Raises:
            KeyError: there is no file at this path.
        """
        return self._files[url].integrity

    def needed(self, name: str) -> str:
        """Return the URL path of the file with this name, which the page must have.

        Raises:
            SettingsError: the page was built without this file.
        """
        url = self.address(name)
        if not url:
            raise SettingsError(
                f"OSSFERRY_WEB_DIR: the built page has no {name}; install the package again, or"
                " run `make build`."
            )
        return url


def find_web_dir(chosen: Path | None = None) -> Path:
    """Return the folder of the built page.

    Args:
        chosen: the folder in the settings; by default the folder in the installed package or in
            the checkout.

    Raises:
        SettingsError: there is no built page in the folder.
    """
    package = Path(__file__).parents[1]
    candidates = [package / "web", package.parent.parent / "build" / "web"]
    if chosen is not None:
        candidates = [chosen]
    for folder in candidates:
        if (folder / "manifest.json").is_file():
            return folder
    raise SettingsError("OSSFERRY_WEB_DIR: there is no built page; run `make build` first.")


def is_installed(runtime: str) -> bool:
    """Return whether the files of a Python interpreter for the browser are installed.

    Args:
        runtime: name of an interpreter that the page can use, such as `pyodide`.

    Raises:
        SettingsError: there is no built page, or its manifest cannot be read.
    """
    web_dir = find_web_dir()
    return runtime not in _missing(_manifest(web_dir), web_dir)


def how_to_install(runtime: str) -> str:
    """Return the error message for a Python interpreter that is not installed.

    The message names the command that installs it.

    Args:
        runtime: name of the interpreter, such as `pyodide`.
    """
    return (
        f"The files of {runtime} are not installed, or belong to another release;"
        f" run `{install_command(runtime)}`."
    )


def load_file(
    path: Path, content_type: str, encodings: list[str], integrity: str = ""
) -> StoredFile:
    """Load a file of the page and its compressed copies.

    Args:
        path: the uncompressed file; copies with the endings `.br` and `.gz` are in the same folder.
        encodings: the encodings of the copies, `br` and `gzip`, the preferred one first.
        integrity: the hash of the uncompressed file, `sha256-<base64>`; not verified here.

    Raises:
        OSError: one of the files cannot be read.
    """
    paths = {name: path.with_name(path.name + SUFFIXES[name]) for name in encodings} | {"": path}
    variants = {name: _variant(each, name, each.read_bytes()) for name, each in paths.items()}
    return StoredFile(content_type=content_type, variants=variants, integrity=integrity)


def stored_file(path: Path, content: bytes, content_type: str) -> StoredFile:
    """Return a `StoredFile` without compressed copies.

    Args:
        path: the file on disk; if it is large, responses read it from there.
        content: the content of the file, which the caller has read and verified.
    """
    return StoredFile(content_type=content_type, variants={"": _variant(path, "", content)})


def _manifest(web_dir: Path) -> dict[str, Any]:
    """Return the manifest of a folder.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        manifest: dict[str, Any] = json.loads((web_dir / "manifest.json").read_bytes())
    except (OSError, ValueError) as error:
        raise _incomplete(web_dir, error) from error
    return manifest


def _incomplete(web_dir: Path, error: Exception) -> SettingsError:
    return SettingsError(
        f"OSSFERRY_WEB_DIR: the page in {web_dir} is incomplete ({error}); install the package"
        " again, or run `make build`."
    )


def _missing(manifest: dict[str, Any], web_dir: Path) -> frozenset[str]:
    """Return the interpreters of the page that are not installed."""
    return frozenset(
        runtime
        for runtime, folders in manifest.get("separate", {}).items()
        if any(_find_parent(at, runtime, web_dir) is None for at in folders)
    )


def _find_parent(url: str, runtime: str, web_dir: Path) -> Path | None:
    """Return the folder that contains a folder of assets; None if no folder contains it.

    Args:
        url: the URL path of the folder of assets. It contains the hash of the files.
        runtime: the interpreter that the assets belong to.
    """
    package = importlib.util.find_spec(f"ossferry_{runtime}")
    installed = (package.submodule_search_locations or ()) if package else ()
    folders = [web_dir, *map(Path, installed)]
    return next((folder for folder in folders if (folder / url.lstrip("/")).is_dir()), None)


def _load_listed(path: Path, entry: dict[str, Any]) -> StoredFile:
    digest = base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()
    if entry["integrity"] != f"sha256-{digest}":
        raise ValueError(f"{path} is not what was built")
    return load_file(path, entry["type"], entry["encodings"], entry["integrity"])


def _variant(path: Path, encoding: str, content: bytes) -> Variant:
    digest = hashlib.sha256(content).hexdigest()[:20]
    kept = content if len(content) <= KEPT_IN_MEMORY else None
    return Variant(path=path, etag=f'"{digest}{encoding and "-" + encoding}"', content=kept)


def _negotiate(accept_encoding: str, available: Mapping[str, Variant]) -> str:
    """Return the first available encoding that the client accepts; empty for no encoding."""
    accepted = set()
    for item in accept_encoding.lower().split(","):
        name, _, parameter = item.partition(";")
        quality = parameter.replace(" ", "").removeprefix("q=") or "1"
        if quality.strip("0."):
            accepted.add(name.strip())
    return next((name for name in available if name and name in accepted), "")


def _etags(if_none_match: str) -> set[str]:
    return {item.strip().removeprefix("W/") for item in if_none_match.split(",")}
