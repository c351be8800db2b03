"""Build what the server hands to a browser: `build/web` from here and from `node_modules`.

Every file lands in `assets/<group>-<content hash>/`, so that it may be cached for ever and a change
in one group leaves the others cached. Compressed copies (`.br`, `.gz`) lie beside it.
`manifest.json` lists what may be served; `index.<runtime>.html` are the two pages. A group that
is already built is left alone, so running this again costs milliseconds.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

import brotli

WEB = Path(__file__).parent
NODE_MODULES = WEB / "node_modules"
OUT = WEB.parent / "build" / "web"

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".py": "text/x-python; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".zip": "application/zip",
}
COMPRESSED_ALREADY = {".zip"}
BEST_BROTLI_UP_TO = 1_000_000  # bytes; the best level takes half a minute on the large ones
PYSCRIPT_PLUGINS = [
    "codemirror",
    "deprecations-manager",
    "donkey",
    "error",
    "py-editor",
    "py-game",
    "py-terminal",
]
PYSCRIPT_UNUSED = ("codemirror", "py-editor", "py-game", "py-terminal", "xterm", "pyodide_graph")


def bundle_python() -> str:
    """Return one Python script which holds all of `uploader` and starts it.

    One request instead of forty; the modules are written to the interpreter's own file system.
    """
    modules = [
        [path.relative_to(WEB).as_posix(), path.read_text("utf-8")]
        for path in sorted((WEB / "uploader").rglob("*.py"))
    ]
    return f"""import os
for path, source in {json.dumps(modules, ensure_ascii=False)}:
    folder = ""
    for name in path.split("/")[:-1]:
        folder += name
        try:
            os.mkdir(folder)
        except OSError:
            pass  # it is there already
        folder += "/"
    with open(path, "w", encoding="utf-8") as file:
        file.write(source)
try:
    import uploader.main
except BaseException:
    import js
    js.ossferry.fail()
    raise
"""


def groups() -> dict[str, dict[str, bytes]]:
    """Return {group: {file name: content}}."""
    pyscript = NODE_MODULES / "@pyscript/core/dist"
    micropython = NODE_MODULES / "@micropython/micropython-webassembly-pyscript"
    pyodide = NODE_MODULES / "pyodide"

    def read(folder: Path, *names: str) -> dict[str, bytes]:
        return {name: (folder / name).read_bytes() for name in names}

    return {
        "app": {
            **read(WEB, "boot.js", "intake.js", "crc64.js", "styles.css", "favicon.svg"),
            **read(NODE_MODULES / "hash-wasm/dist", "crc64.umd.min.js"),
            "idb-keyval.js": (NODE_MODULES / "idb-keyval/dist/index.js").read_bytes(),
            "uploader.py": bundle_python().encode(),
        },
        "pyscript": {
            path.name: path.read_bytes()
            for path in sorted(pyscript.glob("*.js"))
            if not path.name.startswith(PYSCRIPT_UNUSED)
        },
        "micropython": read(micropython, "micropython.mjs", "micropython.wasm"),
        "pyodide": read(
            pyodide,
            "pyodide.mjs",
            "pyodide.asm.mjs",
            "pyodide.asm.wasm",
            "python_stdlib.zip",
            "pyodide-lock.json",
        ),
    }


def folder_name(group: str, files: dict[str, bytes]) -> str:
    """Return `<group>-<hash of names and contents>`."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    return f"{group}-{digest.hexdigest()[:12]}"


def write_group(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files with compressed copies, whole or not at all."""
    if folder.is_dir():
        return
    fresh = folder.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, content in files.items():
        (fresh / name).write_bytes(content)
        if Path(name).suffix in COMPRESSED_ALREADY:
            continue
        quality = 11 if len(content) <= BEST_BROTLI_UP_TO else 9
        (fresh / f"{name}.br").write_bytes(brotli.compress(content, quality=quality))
        (fresh / f"{name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
    fresh.rename(folder)


def page(runtime: str, url: dict[str, str]) -> str:
    """Return the page for one runtime; `url` maps `group/file` to its address."""
    engine = {"micropython": "micropython/micropython.mjs", "pyodide": "pyodide/pyodide.mjs"}[
        runtime
    ]
    chunks = [name for name in url if re.match(r"pyscript/(core-|error-)", name)]
    fetched = ["app/uploader.py"]
    fetched += ["micropython/micropython.wasm"] if runtime == "micropython" else []
    preload = [
        *(
            f'<link rel="modulepreload" href="{url[n]}">'
            for n in ["pyscript/core.js", *chunks, engine]
        ),
        *(f'<link rel="preload" as="fetch" crossorigin href="{url[n]}">' for n in fetched),
    ]
    plugins = {"plugins": [f"!{plugin}" for plugin in PYSCRIPT_PLUGINS]}
    config = {"interpreter": url[engine], **plugins}
    other = {"micropython": "py-config", "pyodide": "mpy-config"}[runtime]
    values = {
        "runtime": runtime,
        "script_type": {"micropython": "mpy", "pyodide": "py"}[runtime],
        "config": json.dumps(config).replace("'", "&#39;"),
        "preload": "\n".join(preload),
        # PyScript loads the plugins of both languages unless each is told not to.
        "other_config": f'<{other} type="json" hidden>{json.dumps(plugins)}</{other}>',
    }
    text = (WEB / "index.html").read_text("utf-8")
    text = re.sub(r"\{\{asset ([^}]+)\}\}", lambda m: url[m[1]], text)
    return re.sub(r"\{\{(\w+)\}\}", lambda m: values[m[1]], text)


def main() -> None:
    """Bring `build/web` up to date and remove what is no longer part of it."""
    if not NODE_MODULES.is_dir():
        sys.exit("web/node_modules is missing: run `npm ci` in web/, or `make build`")
    assets = OUT / "assets"
    assets.mkdir(parents=True, exist_ok=True)
    url: dict[str, str] = {}
    manifest: dict[str, dict[str, object]] = {}
    kept = set()
    for group, files in groups().items():
        name = folder_name(group, files)
        kept.add(name)
        write_group(assets / name, files)
        for file in files:
            url[f"{group}/{file}"] = f"/assets/{name}/{file}"
            suffix = Path(file).suffix
            encodings = [] if suffix in COMPRESSED_ALREADY else ["br", "gzip"]
            manifest[f"/assets/{name}/{file}"] = {"type": TYPES[suffix], "encodings": encodings}
    for runtime in ("micropython", "pyodide"):
        (OUT / f"index.{runtime}.html").write_text(page(runtime, url), "utf-8")
    (OUT / "manifest.json").write_text(json.dumps({"files": manifest}, indent=1), "utf-8")
    for old in assets.iterdir():
        if old.name not in kept:
            shutil.rmtree(old)


if __name__ == "__main__":
    main()
