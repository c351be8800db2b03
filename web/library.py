"""Build the script of the library, `build/library/ossferry_uploader.js`, for its wheel.

The script has everything in JavaScript that `ossferry_uploader` needs: the functions that Python
calls, and the text of the scripts that are loaded on demand. The page loads the same functions from
files of its own (`web/build.py`).
"""

from __future__ import annotations

import json

from build import BRIDGE, BUNDLE, NODE_MODULES, WEB, WORKER, minified

OUT = WEB.parent / "build" / "library"
ON_DEMAND = ("records", "tabs", "leases")
SHA256 = NODE_MODULES / "hash-wasm/dist/sha256.umd.min.js"


def script() -> str:
    """Return the script of the library.

    Raises:
        FileNotFoundError: the packages of Node are not installed.
    """
    texts = {
        **{name: minified(WEB / f"storage/{name}.js", options=BUNDLE) for name in ON_DEMAND},
        "sha256": SHA256.read_bytes(),
        "checksum_worker": minified(*WORKER),
    }
    written = json.dumps({name: text.decode() for name, text in texts.items()})
    head = (WEB / "bridge/library.js").read_text("utf-8").replace("SCRIPTS", written)
    return minified(text=head.encode()).decode() + minified(*BRIDGE).decode()


def main() -> None:
    """Write the script."""
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "ossferry_uploader.js").write_text(script(), "utf-8")


if __name__ == "__main__":
    main()
