"""Builds a JupyterLite site that needs no other server: its kernel is the Pyodide of the page.

JupyterLite and the wheels that its kernel needs come from the package index.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

PYODIDE = Path(__file__).parents[2] / "web/node_modules/pyodide"
CORE = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "pyodide-lock.json",
)
JUPYTERLITE = ("jupyterlite-core==0.8.6", "jupyterlite-pyodide-kernel==0.8.6")
NEEDED = ("micropip", "ipython", "jedi")
NOT_IN_THE_LOCK = {"comm": "0.2.3"}
"""A package of the kernel that Pyodide's lock does not list."""
SETTINGS = {
    "jupyter-lite-schema-version": 0,
    "jupyter-config-data": {
        "contentsAllJsonFile": "all.json",
        "disabledExtensions": ["@jupyterlab/extensionmanager-extension"],
        "litePluginSettings": {
            "@jupyterlite/pyodide-kernel-extension:kernel": {"disablePyPIFallback": True}
        },
    },
}
AT = "2026-01-01T00:00:00Z"


def build_site(folder: Path, wheel: Path) -> Path:
    """Build a site in which `piplite.install` finds a wheel, and return its folder.

    Raises:
        subprocess.CalledProcessError: the package index cannot be reached, or the build failed.
    """
    source, site = folder / "lite", folder / "site"
    pyodide = source / "static" / "pyodide"
    pyodide.mkdir(parents=True)
    for name in CORE:
        shutil.copy(PYODIDE / name, pyodide)
    _lock(pyodide)
    (source / "jupyter-lite.json").write_text(json.dumps(SETTINGS))
    core, kernel = JUPYTERLITE
    _run(
        folder,
        str(Path(sys.executable).with_name("uv")),
        *("tool", "run", "--from", core, "--with", kernel, "jupyter-lite", "build"),
        *("--lite-dir", str(source), "--output-dir", str(site), "--piplite-wheels", str(wheel)),
        *("--apps", "notebooks", "--no-sourcemaps", "--no-unused-shared-packages"),
    )
    return site


def write_notebook(site: Path, name: str, cell: str) -> None:
    """Add a notebook with one cell to a site."""
    code: dict[str, object] = {
        "cell_type": "code",
        "id": "first",
        "metadata": {},
        "source": cell,
        "outputs": [],
        "execution_count": None,
    }
    kernel = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel},
        "cells": [code],
    }
    (site / "files").mkdir(exist_ok=True)
    (site / "files" / name).write_text(json.dumps(document))
    # JupyterLite would need jupyter-server to write this list.
    (site / "api" / "contents").mkdir(parents=True, exist_ok=True)
    entry = {"created": AT, "last_modified": AT, "size": None, "writable": True, "mimetype": None}
    file = {**entry, "name": name, "path": name, "type": "notebook", "format": None}
    top = {**entry, "name": "", "path": "", "type": "directory", "format": "json"}
    listed = {**top, "content": [{**file, "content": None}]}
    (site / "api" / "contents" / "all.json").write_text(json.dumps(listed))


def _lock(pyodide: Path) -> None:
    """Download the packages of the kernel into a folder, and name only them in Pyodide's lock.

    The wheels of the package index differ from those of Pyodide's own server, which have no tests,
    so the lock gets their hashes.
    """
    path = pyodide / "pyodide-lock.json"
    lock = json.loads(path.read_text("utf-8"))
    known: dict[str, Any] = lock["packages"]
    wanted: dict[str, Any] = {}
    pending = list(NEEDED)
    while pending:
        name = _normal(pending.pop())
        if name not in wanted:
            wanted[name] = known[name]
            pending += known[name]["depends"]
    for name, version in NOT_IN_THE_LOCK.items():
        wanted[name] = {**known["traitlets"], "name": name, "version": version, "imports": [name]}
    _run(
        pyodide,
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--only-binary=:all:", "--python-version=3.14", "--dest", str(pyodide)),
        *(f"{name}=={entry['version']}" for name, entry in wanted.items()),
    )
    wheels = {_normal(found.name.partition("-")[0]): found for found in pyodide.glob("*.whl")}
    lock["packages"] = {
        name: {
            **entry,
            "file_name": wheels[name].name,
            "sha256": hashlib.sha256(wheels[name].read_bytes()).hexdigest(),
            "depends": [_normal(each) for each in entry["depends"]],
            "unvendored_tests": False,
        }
        for name, entry in wanted.items()
    }
    path.write_text(json.dumps(lock))


def _normal(name: str) -> str:
    return name.lower().replace("_", "-")


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)  # noqa: S603
