"""Build the files that the server sends to browsers: `build/web` from `web` and `node_modules`.

- `assets/<group>-<content hash>/` contains the files of one group, and compressed copies of each
  file (`.br`, `.gz`). Browsers may cache these files forever. If the content of a group changes,
  only this group gets a new folder.
- `manifest.json` lists the files that the server may send, with the hash of each file. Its field
  `separate` lists the folders that are not in the server's wheel but in another wheel, such as
  `ossferry-pyodide`.
- `index.<runtime>.html` is the English page for one runtime. `index.<runtime>.<language>.html` is
  the page in another language. Each page contains the hashes of the scripts and style sheets, so
  that a browser refuses a changed file. The addresses in a page are relative, so that the server
  can send the page below any path.
"""

from __future__ import annotations

import argparse
import ast
import base64
import gzip
import hashlib
import html
import importlib.util
import io
import json
import re
import shutil
import subprocess
import sys
import tokenize
import zipfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import brotli

from archive import archive, compiled
from interpreter import closed, faster, lean, steady
from upload_page.view.words.text import direction

WEB = Path(__file__).parent
NODE_MODULES = WEB / "node_modules"
OUT = WEB.parent / "build" / "web"

PACKAGES = ("ossferry_uploader", "upload_page")
CLIENT = WEB / "ossferry_uploader" / "client"  # not used by the page
CHECKS = WEB.parent / "server" / "ossferry_checks"  # also runs in the page's worker
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
LANGUAGES = {
    "en": "English",
    "ja": "日本語",
    "zh-CN": "简体中文",
    "zh-TW": "繁體中文",
    "ar": "العربية",
}
ESBUILD = str(NODE_MODULES / "esbuild/bin/esbuild")
ES5 = "--target=es5"  # for scripts that also run in browsers that cannot run the page
MODULE = ("--format=esm",)
BUNDLE = (*MODULE, "--bundle", "--external:./leases.js")
BRIDGE = tuple(
    WEB / path for path in ("bridge/bridge.js", "bridge/exchange.js", "worker/checksums.js")
)
# One script for the start of the page: each request costs 300 bytes.
BOOT = (WEB / "page/boot.js", WEB / "page/intake.js", *BRIDGE)
WORKER = (WEB / "worker/crc64_wasm.js", WEB / "worker/checksum_worker.js")
WITH_SENTENCES = ("details", "dialogs", "pictures", "recording", "requests")  # in `upload_page`
SCRIPTS_ON_DEMAND = (
    "checksum_worker sha256 storage thumbnails canvas recorder qr frame checks zip zip_worker"
)
# modules of `upload_page` that few pages load
RARE = ("details", "pictures", "recording", "repair", "requests")
MODULES = ("canvas.js", "frame.js", "thumbnails.js")  # in `page`
LATER = ("on_demand", *RARE)
STREAMS = (
    "ossferry_uploader/browser/streams.py"  # for recordings, and for the operator's own Python
)
RUNTIMES = ("micropython", "pyodide")
OTHER_PAGES = ("embed.js", "form.css", "form.js", "styles.css")  # files of theirs in the same group
# {name of a style sheet: the files in `page` that it consists of}
STYLES = {
    "details": ("fields", "details"),
    "dialogs": ("dialogs",),
    "pictures": ("pictures",),
    "recording": ("recording",),
    "repair": ("repair",),
    "requests": ("fields", "requests"),
}
# {name by which the page loads a file: the file}
LOADED_ON_DEMAND = {
    **{name: f"{name}.js" for name in SCRIPTS_ON_DEMAND.split()},
    **{name: f"{name}.py" for name in LATER},
    **{f"{name}_styles": f"{name}.css" for name in STYLES},
    **{f"{name}_words": f"{name}.json" for name in WITH_SENTENCES},
    **{f"locale-{language}": f"{language}.json" for language in LANGUAGES},
}

TYPES = {
    ".bin": "application/octet-stream",
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
PACKED = {".json", ".py"}  # endings of the files of a Python package that the browser needs
BEST_BROTLI_UP_TO = 1_000_000  # bytes; the best level takes half a minute for larger files
# {directive of the Content-Security-Policy: what the page has inline}
INLINE = {
    "script-src": re.compile(r"<script(?: type=\"importmap\")?>(.+?)</script>", re.DOTALL),
    "style-src": re.compile(r"<style>(.+?)</style>", re.DOTALL),
}
SEPARATE = {"pyodide": ("pyodide", "checks", "heic")}  # groups in a wheel of their own, by its name


START = """
async def _start():
    import asyncio

    import _pyscript

    now, since = js.performance.now, js.performance.now()

    async def give_way():
        nonlocal since
        if now() - since > %(slice_ms)d:
            await asyncio.sleep(0)
            since = now()

    paths = await js.ossferry.unpack(_pyscript.interpreter.FS)
    await give_way()
    for index in range(paths.length):
        name = paths[index].split(".")[0]
        __import__(name.replace("/", "."))
        if name == "%(main)s":
            return
        if name == "%(first)s":
            await asyncio.sleep(0)
        await give_way()
"""
FIRST = "upload_page/browser/own_server"
MAIN = "upload_page/main"
SLICE_MS = 30


def start_script(extension: Path | None = None) -> str:
    """Return the Python script that starts the page.

    The script writes the archived modules to the interpreter's file system and imports them in the
    order of the archive, up to `upload_page.main`, which starts the page. The script yields to the
    browser after `FIRST`, which sends a request, and after every `SLICE_MS` milliseconds of
    importing, so that the page stays responsive on a slow device. If another script was not loaded
    completely, the script does not start the page.

    Args:
        extension: a file with the operator's own Python, which runs after the start of the page.
    """
    own = extension.read_text("utf-8") if extension else ""
    instead = "raise SystemExit  # before the page's own Python" if own else "pass"
    return f"""import js
{START % {"slice_ms": SLICE_MS, "main": MAIN, "first": FIRST}}
if not js.document.documentElement.hasAttribute("data-incomplete"):
    try:
        await _start()
    except BaseException:
        js.ossferry.fail()
        raise
else:
    {instead}
{own}"""


def page_modules() -> tuple[list[tuple[str, str]], ...]:
    """Return lists of `(path, source)`: the modules to start the page, and the others.

    The first list has `FIRST`, `upload_page.main` and all modules that they import, directly or
    indirectly; each module follows the modules that it imports. The page loads the modules of the
    other lists when they are first needed: there is one list for each name in `RARE`, and the
    second list has the remaining modules. Modules that only programs use
    (`ossferry_uploader.client`) are in no list.
    """
    paths = [
        path
        for package in PACKAGES
        for path in (WEB / package).rglob("*.py")
        if CLIENT not in path.parents and path != CLIENT.with_name("__init__.py")
    ]
    sources = dict(_stripped(paths))
    order = import_order(sources, f"{FIRST}.py", f"{MAIN}.py")
    end = order.index(f"{MAIN}.py") + 1
    later = order[end:]
    rare = [[path for path in later if f"/{name}" in path] for name in RARE]
    rare[RARE.index("recording")].insert(0, STREAMS)
    parts = (
        order[:end],
        [path for path in later if not any(path in paths for paths in rare)],
        *rare,
    )
    return tuple([(path, sources[path]) for path in part] for part in parts)


def import_order(sources: dict[str, str], *first: str) -> list[str]:
    """Return the paths of modules, ordered so that each module follows the modules that it imports.

    Args:
        sources: maps paths such as `ossferry_uploader/oss/times.py` to sources.
        first: the paths of the modules that come as early as possible: before each come only the
            modules that it imports, directly or indirectly, and the earlier ones.
    """
    order: list[str] = []
    visited: set[str] = set()

    def visit(path: str) -> None:
        if path not in sources or path in visited:
            return
        visited.add(path)
        for node in ast.parse(sources[path]).body:
            for name in _imported(node):
                visit(f"{name.replace('.', '/')}.py")
        order.append(path)

    for path in (*first, *sources):
        visit(path)
    return order


def _imported(node: ast.stmt) -> list[str]:
    """Return the names of the modules that a statement may import."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _stripped(paths: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Yield the path below `web` and the source of each module, without empty package files."""
    for path in sorted(paths):
        source = strip(path.read_text("utf-8"))
        if path.name != "__init__.py" or source.strip() not in ("", "pass"):
            yield path.relative_to(WEB).as_posix(), source


def bundle(modules: list[tuple[str, str]]) -> str:
    """Return a Python script that writes the given modules to the interpreter's file system.

    Args:
        modules: `(path, source)` of each module.
    """
    return f"""import os
for path, source in {_json(modules)}:
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
"""


def strip(source: str) -> str:
    """Return a module's source without comments, docstrings and `if TYPE_CHECKING:` blocks.

    Every statement keeps its line number, so that tracebacks show the line numbers of the original
    source.
    """
    lines = source.splitlines()

    def blank(node: ast.stmt, instead: str) -> None:
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        lines[first] = lines[first][: node.col_offset] + instead
        lines[first + 1 : last + 1] = [""] * (last - first)

    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            blank(node.body[0], "" if len(node.body) > 1 else "pass")
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and body:
            blank(node, "")
    return "\n".join(lines) + "\n"


@cache
def pyscript() -> tuple[bytes, list[str]]:
    """Return PyScript's script, and the source files in it, as paths below `node_modules`."""
    program = WEB / "pyscript.mjs"
    done = subprocess.run(["node", program], stdout=-1, check=True)  # noqa: S603, S607
    told = json.loads(done.stdout)
    return told["text"].encode(), told["sources"]


def sentences(language: str, folder: str = "locales") -> dict[str, Any]:
    """Return all sentences of the page in one language, as `{key: sentence}`.

    For a sentence that depends on a count, the value is an object `{plural category: sentence}`.

    Args:
        language: a language code such as `zh-CN`.
        folder: the folder of the sentences, in the folder of the package `upload_page`.
    """
    text = (WEB / "upload_page" / folder / f"{language}.json").read_text("utf-8")
    keyed: dict[str, Any] = json.loads(text)
    return keyed


def all_sentences(folder: str) -> bytes:
    """Return the sentences of a folder as the JSON document `{language code: {key: sentence}}`."""
    return _json({language: sentences(language, folder) for language in LANGUAGES}).encode()


def programs(extension: Path | None) -> dict[str, bytes]:
    """Return the files with the page's own Python, as `{file name: content}`.

    Args:
        extension: a file with the operator's own Python, which runs after the start of the page.
    """
    at_start, *later = page_modules()
    if extension:
        at_start += [each for part in later for each in part if each[0] == STREAMS]
    archived = [(path, source.encode()) for path, source in at_start]
    return {
        "uploader.py": start_script(extension).encode(),
        "micropython.bin": archive(compiled(archived)),
        "pyodide.bin": archive(archived),
        **{f"{name}.py": bundle(each).encode() for name, each in zip(LATER, later, strict=True)},
    }


def micropython(*, whole: bool) -> dict[str, bytes]:
    """Return the files of MicroPython; without `whole`, modules that the page never imports go."""
    folder = NODE_MODULES / "@micropython/micropython-webassembly-pyscript"
    script = lean(steady(closed((folder / "micropython.mjs").read_bytes())))
    return {
        "micropython.mjs": minified(text=script, options=MODULE),
        "micropython.wasm": faster((folder / "micropython.wasm").read_bytes(), whole=whole),
    }


def groups(extension: Path | None = None) -> dict[str, dict[str, bytes]]:
    """Return the files that the server sends to browsers, as `{group: {file name: content}}`.

    Args:
        extension: a file with the operator's own Python, which runs after the start of the page.
    """
    pyodide = NODE_MODULES / "pyodide"

    def read(folder: Path, *names: str) -> dict[str, bytes]:
        return {name: (folder / name).read_bytes() for name in names}

    def scripts(folder: Path, *names: str, options: tuple[str, ...] = ()) -> dict[str, bytes]:
        return {name: minified(folder / name, options=options) for name in names}

    return {
        "app": {
            "boot.js": minified(*BOOT),
            "checksum_worker.js": minified(*WORKER),
            **scripts(WEB / "storage", "leases.js", "storage.js", options=BUNDLE),
            **scripts(WEB / "page", *MODULES, options=MODULE),
            **scripts(WEB / "page", "checks.js", "recorder.js", "zip.js", options=BUNDLE),
            **scripts(WEB / "worker", "zip_worker.js", options=("--bundle",)),
            **scripts(WEB / "page", "form.js", options=(ES5,)),
            **read(WEB / "page", "embed.js", "favicon.svg", "form.css"),
            "styles.css": page_styles(),
            **{
                f"{name}.css": styles(*(WEB / f"page/{part}.css" for part in parts))
                for name, parts in STYLES.items()
            },
            **read(WEB / "upload_page/locales", *(f"{language}.json" for language in LANGUAGES)),
            "sha256.js": (NODE_MODULES / "hash-wasm/dist/sha256.umd.min.js").read_bytes(),
            "qr.js": (NODE_MODULES / "qrcode-generator/dist/qrcode.mjs").read_bytes(),
            **programs(extension),
            **{f"{name}.json": all_sentences(f"{name}/locales") for name in WITH_SENTENCES},
        },
        "pyscript": {"core.js": pyscript()[0]},
        "micropython": micropython(whole=extension is not None),
        "checks": {
            **scripts(WEB / "worker", "checks_worker.js", options=MODULE),
            "ossferry_checks.zip": zipped(CHECKS),
            "openpyxl.zip": zipped(installed("openpyxl"), installed("et_xmlfile")),
            "pypdf.zip": zipped(installed("pypdf")),
        },
        "heic": read(NODE_MODULES / "libheif-js/libheif-wasm", "libheif-bundle.mjs"),
        "pyodide": read(
            pyodide,
            "pyodide.mjs",
            "pyodide.asm.mjs",
            "pyodide.asm.wasm",
            "python_stdlib.zip",
            "pyodide-lock.json",
        ),
    }


def installed(package: str) -> Path:
    """Return the folder of an installed Python package; exit with a message if it is missing."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        sys.exit(f"the Python package {package} is missing: run `make build`")
    return Path(spec.origin).parent


def zipped(*packages: Path) -> bytes:
    """Return a zip archive with the sources of pure Python packages.

    The same sources always give the same bytes, so that the address of the archive, which contains
    a hash, changes only if a source changes.

    Args:
        packages: the folders of the packages.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for folder in packages:
            for path in sorted(folder.rglob("*")):
                if path.suffix in PACKED:
                    name = path.relative_to(folder.parent).as_posix()
                    file.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def minified(*paths: Path, text: bytes = b"", options: tuple[str, ...] = ()) -> bytes:
    """Return JavaScript files as one script without comments, needless spaces and long names.

    Args:
        paths: the files, which are joined in this order.
        text: the source of a script; used if there are no paths.
        options: further command line options of esbuild.
    """
    script = text or b"\n".join(path.read_bytes() for path in paths)
    command = [ESBUILD, "--minify", "--target=es2022", "--log-level=warning", *options]
    folder = paths[0].parent if paths else NODE_MODULES
    done = subprocess.run(command, input=script, cwd=folder, stdout=-1, check=True)  # noqa: S603
    return done.stdout


def page_styles() -> bytes:
    """Return the style sheet of the page, which is part of its HTML; other pages load it."""
    return styles(*sorted(WEB.glob("page/styles/*.css")))


def styles(*paths: Path) -> bytes:
    """Return style sheets as one, in the given order, without comments and needless spaces."""
    return minified(*paths, options=("--loader=css",)).strip()


def folder_name(group: str, files: dict[str, bytes]) -> str:
    """Return the folder name for a group of built files: `<group>-<hash of names and contents>`.

    Args:
        files: maps file names to contents.
    """
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    return f"{group}-{digest.hexdigest()[:12]}"


def write_group(folder: Path, files: dict[str, bytes]) -> None:
    """Write a group of built files, and compressed copies of each file, to a new folder.

    The files are first written to a temporary folder, which is then renamed, so that `folder` is
    never incomplete. If `folder` exists, do nothing: the name of the folder contains a hash of the
    files, so it has the same files.

    Args:
        files: maps file names to contents.
    """
    if folder.is_dir():
        return
    fresh = folder.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, content in files.items():
        write_file(fresh / name, content)
    fresh.rename(folder)


def write_file(path: Path, content: bytes) -> None:
    """Write a file and its compressed copies, `<name>.br` and `<name>.gz`.

    Files in a format that is already compressed, such as `.zip`, get no copies.
    """
    path.write_bytes(content)
    if path.suffix in COMPRESSED_ALREADY:
        return
    quality = 11 if len(content) <= BEST_BROTLI_UP_TO else 9
    path.with_name(f"{path.name}.br").write_bytes(brotli.compress(content, quality=quality))
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))


def integrity(content: bytes) -> str:
    """Return a file's hash as `sha256-<base64>`, the format of the HTML attribute `integrity`."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content).digest()).decode()


def page(runtime: str, language: str, url: dict[str, str], hashes: dict[str, str]) -> str:
    """Return the HTML page for one runtime and language.

    Args:
        runtime: `micropython` or `pyodide`.
        language: a language code such as `zh-CN`.
        url: maps `group/file name` to the address of the file, relative to the page.
        hashes: maps the address of a file to its hash, in the format of the attribute `integrity`.
    """
    core, engine, modules = "pyscript/core.js", f"{runtime}/{runtime}.mjs", f"app/{runtime}.bin"
    fetched = ["app/uploader.py", modules]
    fetched += ["micropython/micropython.wasm"] if runtime == "micropython" else []
    preload = [
        *(
            f'<link rel="modulepreload" href="{url[n]}" integrity="{hashes[url[n]]}">'
            for n in (core, engine)
        ),
        *(f'<link rel="preload" as="fetch" crossorigin href="{url[n]}">' for n in fetched),
    ]
    on_demand = {name: url[f"app/{file}"] for name, file in LOADED_ON_DEMAND.items()}
    said = sentences(language)
    used = ("app/", "pyscript/", f"{runtime}/")
    others = {f"app/{name}" for name in OTHER_PAGES} | {f"app/{each}.bin" for each in RUNTIMES}
    loaded = [name for name in url if name.startswith(used) and name not in others - {modules}]
    checked = {"integrity": {url[name]: hashes[url[name]] for name in loaded}}
    values = {
        "styles": page_styles().decode(),
        "able": minified(WEB / "page/able.js", options=(ES5,)).decode().strip(),
        "import_map": json.dumps(checked, separators=(",", ":")),
        "lang": language,
        "dir": direction(language),
        "languages": "".join(_option(code, chosen=code == language) for code in LANGUAGES),
        "sentences": _json(said).replace("<", "\\u003c"),
        "urls": json.dumps({"modules": url[modules], **on_demand}),
        "core": f'src="{url[core]}" integrity="{hashes[url[core]]}"',
        "runtime": runtime,
        "script_type": {"micropython": "mpy", "pyodide": "py"}[runtime],
        "config": json.dumps({"interpreter": url[engine]}),
        "preload": "\n".join(preload),
    }
    text = (WEB / "index.html").read_text("utf-8")
    text = re.sub(r"\{\{asset ([^}]+)\}\}", lambda m: url[m[1]], text)
    text = re.sub(r"\{\{hash ([^}]+)\}\}", lambda m: hashes[url[m[1]]], text)
    text = re.sub(r"\{\{say (\w+)\}\}", lambda m: html.escape(said[m[1]]), text)
    text = re.sub(r"\{\{forms (\w+)\}\}", lambda m: html.escape(_json(said[m[1]])), text)
    return re.sub(r"\{\{(\w+)\}\}", lambda m: values[m[1]], text)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _option(language: str, *, chosen: bool) -> str:
    selected = " selected" if chosen else ""
    name = LANGUAGES[language]
    return f'<option value="{language}" lang="{language}"{selected}>{name}</option>'


def main(out: Path = OUT, extension: Path | None = None) -> None:
    """Build the files that the server sends to browsers, and remove the files of earlier builds.

    Args:
        out: the folder for the built files. The server reads the folder that its setting
            `OSSFERRY_WEB_DIR` names.
        extension: a file with the operator's own Python, which runs after the start of the page
            (`docs/uploader-api.md`).
    """
    if not NODE_MODULES.is_dir():
        sys.exit("web/node_modules is missing: run `npm ci` in web/, or `make build`")
    assets = out / "assets"
    assets.mkdir(parents=True, exist_ok=True)
    url: dict[str, str] = {}
    manifest: dict[str, dict[str, object]] = {}
    hashes: dict[str, str] = {}
    inline: dict[str, set[str]] = {directive: set() for directive in INLINE}
    folders: dict[str, str] = {}
    for group, files in groups(extension).items():
        name = folders[group] = folder_name(group, files)
        write_group(assets / name, files)
        for file, content in files.items():
            at = f"/assets/{name}/{file}"
            url[f"{group}/{file}"] = f".{at}"
            hashes[f".{at}"] = integrity(content)
            suffix = Path(file).suffix
            encodings = [] if suffix in COMPRESSED_ALREADY else ["br", "gzip"]
            manifest[at] = {
                "type": TYPES[suffix],
                "encodings": encodings,
                "integrity": hashes[f".{at}"],
            }
    for runtime in RUNTIMES:
        for language in LANGUAGES:
            text = page(runtime, language, url, hashes)
            ending = "" if language == "en" else f".{language}"
            write_file(out / f"index.{runtime}{ending}.html", text.encode())
            for directive, pattern in INLINE.items():
                inline[directive] |= {integrity(each.encode()) for each in pattern.findall(text)}
    separate = {
        wheel: [f"/assets/{folders[group]}" for group in names] for wheel, names in SEPARATE.items()
    }
    hashed = {directive: sorted(found) for directive, found in inline.items()}
    listed = {"files": manifest, "inline": hashed, "separate": separate}
    (out / "manifest.json").write_text(json.dumps(listed, indent=1), "utf-8")
    for old in assets.iterdir():
        if old.name not in folders.values():
            shutil.rmtree(old)


def read_command_line() -> argparse.Namespace:
    """Parse and return the command line options of the page's build."""
    parser = argparse.ArgumentParser(description="Build the page.")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for OSSFERRY_WEB_DIR")
    parser.add_argument("--extension", type=Path, help="Python to run in the page once it started")
    return parser.parse_args()


if __name__ == "__main__":
    given = read_command_line()
    main(given.out, given.extension)
