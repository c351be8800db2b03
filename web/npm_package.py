"""Build the npm package `ossferry`: a custom element, and components for React and Vue."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

from build import WEB

ROOT = WEB.parent
OUT = ROOT / "build" / "npm"


def main(out: Path = OUT) -> None:
    """Write the files of the npm package to a folder; the package gets the version of the wheels.

    Args:
        out: the folder; it is deleted first if it exists.
    """
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(WEB / "npm", out)
    for source in (WEB / "page" / "embed.js", ROOT / "LICENSE", ROOT / "NOTICE"):
        shutil.copy(source, out)
    _require_server(out / "embed.js")
    package = json.loads((out / "package.json").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    package["version"] = project["version"]
    (out / "package.json").write_text(json.dumps(package, indent=2) + "\n", "utf-8")


def _require_server(script: Path) -> None:
    """Remove the default of the attribute `server`: nobody loads this copy from the upload server.

    Raises:
        ValueError: the script has changed.
    """
    head, line, tail = script.read_text("utf-8").partition("const HERE = import.meta.url;")
    if not line:
        raise ValueError(f"{script} has no line `const HERE`")
    script.write_text(f'{head}const HERE = "";{tail}', "utf-8")


if __name__ == "__main__":
    main()
