"""Build hook that adds files of the built page to the wheels.

The wheel `ossferry` gets the page as `ossferry/web`. It does not get the files of Pyodide, which
are larger than all other files together: the wheel `ossferry-pyodide` (`wheels/pyodide`) contains
only these files. Each wheel also gets its SBOM.

Building a wheel fails without a built page, because the server would refuse to start without it.
An editable install uses the page in the checkout's `build/web`.
"""

import json
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["WebFilesHook"]


class WebFilesHook(BuildHookInterface[Any]):
    """The hook that hatchling runs before it builds a wheel.

    The project's configuration of the hook has these values:
        build: the folder of the built files, relative to the project.
        runtime: the interpreter whose files the wheel contains; without it, the wheel contains the
            page and no files that have a wheel of their own.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the page's files and the SBOM to the wheel.

        Raises:
            FileNotFoundError: the page or the SBOM has not been built.
        """
        if version == "editable":
            return
        build = Path(self.root, self.config["build"]).resolve()
        web = build / "web"
        sbom = build / "sbom" / f"{self.metadata.core.raw_name}.cdx.json"
        for needed in (web / "manifest.json", sbom):
            if not needed.is_file():
                raise FileNotFoundError(f"The wheel needs {needed}: run `make wheel`.")
        separate = json.loads((web / "manifest.json").read_bytes())["separate"]
        runtime = self.config.get("runtime")
        if runtime:
            included = {f"ossferry_{runtime}{separate[runtime]}": web / separate[runtime][1:]}
        else:
            parts = [*web.glob("*.*"), *web.glob("assets/*")]
            urls = {f"/{part.relative_to(web).as_posix()}": part for part in parts}
            included = {f"ossferry/web{u}": urls[u] for u in urls.keys() - separate.values()}
        build_data["force_include"].update({str(path): at for at, path in included.items()})
        build_data["sbom_files"].append(str(sbom))
