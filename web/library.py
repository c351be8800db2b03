"""Build the script of the library, `build/library/ossferry_uploader.js`, for its wheel.

The script has everything in JavaScript that `ossferry_uploader` needs: the functions that Python
calls, and the text of the scripts that are loaded on demand. The page loads the same functions from
files of its own (`web/build.py`).
"""

from __future__ import annotations

import json
from pathlib import Path

from build import BRIDGE, NODE_MODULES, WEB, WORKER, joined, without_comments

OUT = WEB.parent / "build" / "library"
ON_DEMAND = ("storage/records.js", "storage/tabs.js", "storage/indexed_db.js", "storage/leases.js")
PACKAGES = {
    "idb-keyval": NODE_MODULES / "idb-keyval/dist/index.js",
    "sha256": NODE_MODULES / "hash-wasm/dist/sha256.umd.min.js",
}


def script() -> str:
    """Return the script of the library.

    Raises:
        FileNotFoundError: the packages of Node are not installed.
    """
    texts = {Path(path).stem: joined(path).decode() for path in ON_DEMAND}
    texts |= {name: path.read_text("utf-8") for name, path in PACKAGES.items()}
    texts["checksum_worker"] = joined(*WORKER).decode()
    head = without_comments((WEB / "bridge/library.js").read_text("utf-8"))
    return head.replace("SCRIPTS", json.dumps(texts)) + "\n" + joined(*BRIDGE).decode() + "\n"


def main() -> None:
    """Write the script."""
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "ossferry_uploader.js").write_text(script(), "utf-8")


if __name__ == "__main__":
    main()
