"""Build the library's JavaScript file, `build/library/ossferry_uploader.js`, for its wheel.

The file contains all JavaScript that the Python package `ossferry_uploader` needs: the functions
that Python calls, and the sources of the scripts that are loaded on demand. The upload page loads
the same functions from separate files, which `web/build.py` makes.
"""

from __future__ import annotations

import json

from build import BRIDGE, BUNDLE, NODE_MODULES, WEB, WORKER, minified

OUT = WEB.parent / "build" / "library"
ON_DEMAND = ("storage", "leases")
SHA256 = NODE_MODULES / "hash-wasm/dist/sha256.umd.min.js"


def script() -> str:
    """Return the library's JavaScript file as text.

    Raises:
        FileNotFoundError: the npm packages are not installed.
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
    """Build the library's JavaScript file and write it to `build/library`."""
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "ossferry_uploader.js").write_text(script(), "utf-8")


if __name__ == "__main__":
    main()
