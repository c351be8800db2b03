"""The golden test vectors, readable on every interpreter."""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FOLDER = "/".join(__file__.split("/")[:-2] + ["vectors"])  # noqa: RUF005 - MicroPython


def load(name: str) -> "Any":
    """Return the document `vectors/<name>.json`."""
    with open(f"{FOLDER}/{name}.json", encoding="utf-8") as file:  # noqa: PTH123 - no pathlib on MicroPython
        return json.load(file)
