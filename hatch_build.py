"""Build hook that adds the built page to the wheel, as `ossferry/web`.

Building the wheel fails without a built page, because the server would refuse to start without it.
An editable install uses the page in the checkout's `build/web`.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["WebFilesHook"]


class WebFilesHook(BuildHookInterface[Any]):
    """The hook that hatchling runs before it builds a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the page's files to the wheel.

        Raises:
            FileNotFoundError: the page has not been built.
        """
        if version == "editable":
            return
        web = Path(self.root) / "build" / "web"
        if not (web / "manifest.json").is_file():
            raise FileNotFoundError("The wheel needs the built page: run `make build` first.")
        build_data["force_include"][str(web)] = "ossferry/web"
