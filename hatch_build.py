"""Build hook that adds files of the built page, and the SBOM, to the wheels.

- `ossferry` gets the page as `ossferry/web`, without the files of Pyodide, which are larger than
  all other files together.
- `ossferry-pyodide` (`wheels/pyodide`) gets only the files of Pyodide, and libheif, which checks
  use on Pyodide.
- `mock-oss` (`wheels/mock`) and `ossferry-uploader` (`wheels/uploader`) get no files of the
  page.

The version of the first three wheels ends with the id of the build, such as `0.1.0+b5d1c07e2a94`.
pip does not install a wheel over one of the same version, so without the id an upgrade would do
nothing.

Building the first two wheels fails without a built page, because the server would refuse to start
without it. An editable install uses the page in the checkout's `build/web`.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebFilesHook(BuildHookInterface[Any]):
    """The hook that hatchling runs before it builds a wheel.

    The project's configuration of the hook has these values:
        build: the folder of the built files, relative to the project.
        contents: which files of the page the wheel gets. `page`: all except those with a wheel of
            their own; `pyodide`: the files of this interpreter; missing: none.
        has-id: whether the version gets the id of the build.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the page's files and the SBOM to the wheel, and the id of the build to its version.

        Args:
            version: the kind of wheel; nothing is added to the kind `editable`.
            build_data: hatchling's description of the wheel, which this method changes.

        Raises:
            FileNotFoundError: the page or the SBOM has not been built.
        """
        if version == "editable":
            return
        build = Path(self.root, self.config["build"]).resolve()
        sbom = _needed(build / "sbom" / f"{self.metadata.core.raw_name}.cdx.json")
        build_data["sbom_files"].append(str(sbom))
        if contents := self.config.get("contents"):
            build_data["force_include"].update(_files(build / "web", contents))
        if self.config.get("has-id"):
            with_id = f"{self.metadata.version}+{build_id(build)}"
            # hatchling has no public way to set the version of one build.
            self.metadata._version = self.metadata._original_version = with_id


def build_id(build: Path) -> str:
    """Return the id of a build: a hash of the sources and of the built page.

    All wheels of a build get the same id. It begins with a letter, because a version drops the
    leading zeros of a number.

    Args:
        build: the folder of the built files, inside the folder of the sources.
    """
    root = build.parent
    digest = hashlib.sha256()
    for path in sorted(_contents(root, build)):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"b{digest.hexdigest()[:11]}"


def _contents(root: Path, build: Path) -> Iterable[Path]:
    yield root / "pyproject.toml"
    for folder in (root / "server", root / "wheels", build / "web"):
        for path in folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _files(web: Path, contents: str) -> dict[str, str]:
    """Return the files of the page for a wheel, as `{path: path in the wheel}`."""
    separate = json.loads(_needed(web / "manifest.json").read_bytes())["separate"]
    if contents != "page":
        return {str(web / at[1:]): f"ossferry_{contents}{at}" for at in separate[contents]}
    parts = [*web.glob("*.*"), *web.glob("assets/*")]
    urls = {f"/{part.relative_to(web).as_posix()}": part for part in parts}
    elsewhere = {at for folders in separate.values() for at in folders}
    return {str(urls[url]): f"ossferry/web{url}" for url in urls.keys() - elsewhere}


def _needed(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"The wheel needs {path}: run `make wheel`.")
    return path
