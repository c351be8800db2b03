"""Puts the built page into the wheel, as `ossferry/web`.

A wheel without the page would install and then refuse to start, so building one fails instead.
Editable installs use the page in the checkout's `build/web`.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["WebFilesHook"]


class WebFilesHook(BuildHookInterface[Any]):
    """Runs before each wheel is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the page's files to what the wheel holds.

        Raises:
            FileNotFoundError: the page has not been built.
        """
        if version == "editable":
            return
        web = Path(self.root) / "build" / "web"
        if not (web / "manifest.json").is_file():
            raise FileNotFoundError("The wheel needs the built page: run `make build` first.")
        build_data["force_include"][str(web)] = "ossferry/web"
