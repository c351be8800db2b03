"""MicroPython as `interpreter.py` changes it: programs print the same as on the vendor's WASM."""

import hashlib
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from interpreter import KEPT, LEAN, closed, faster, lean, steady

VENDOR = (
    Path(__file__).parents[2] / "web/node_modules/@micropython/micropython-webassembly-pyscript"
)
WASM = VENDOR / "micropython.wasm"
SCRIPT = VENDOR / "micropython.mjs"
NAMES = """
console.log(Object.getOwnPropertyNames(globalThis).filter((name) => /proxy|Module/i.test(name)));
"""
RUN = """
import { loadMicroPython } from %s;
const instantiate = WebAssembly.instantiate;
let stack;
WebAssembly.instantiate = async (...given) => {
  const made = await instantiate(...given);
  stack = made.instance.exports.emscripten_stack_get_current;
  return made;
};
globalThis.deny = () => { throw new TypeError("denied"); };
globalThis.attempt = (callee) => {
  const before = stack();
  try {
    callee();
  } catch (error) {
    return `${error.name}: ${error.message}`.trim().split("\\n").at(-1) + ` ${stack() - before}`;
  }
};
const [url, program] = process.argv.slice(2);
const python = await loadMicroPython({ url, linebuffer: true, stdout: console.log });
python.runPython(program);
"""

ERRORS = """
import js

class Own(Exception):
    pass

def deep(left):
    try:
        if not left:
            raise Own("from below")
        deep(left - 1)
    finally:
        if left % 10 == 0:
            print("left", left)

try:
    deep(30)
except Own as error:
    print(repr(error))

def raising():
    yield 1
    raise KeyError("in a generator")

try:
    print(list(raising()))
except KeyError as error:
    print(repr(error))

def called_back(*_):
    raise Own("to JavaScript")

print(js.attempt(called_back))

for wrong in (lambda: [][1], lambda: {}["a"], lambda: 1 // 0, lambda: int("x"), lambda: None.a):
    try:
        wrong()
    except Exception as error:
        print(repr(error))
"""

# JavaScript exceptions bypass Python; afterwards the C stack must be restored.
FOREIGN = """
import js

def deep(left):
    return [deep(left - 1) for _ in "x"] if left else js.deny()

for depth in (0, 1, 5, 10):
    print(js.attempt(lambda *_: deep(depth)))
"""

STRINGS = """
names = ["name_%d" % number for number in range(3000)]
class Holder:
    pass

for name in names:
    exec("Holder." + name + " = '" + name + "'")  # interns the name
for name in names:
    made = "".join([name[:3], name[3:]])
    assert getattr(Holder, made) == made, made  # dozens have the hash of another
    assert not hasattr(Holder, made + "x"), made
for size in (1, 2, 9, 10, 11, 100, 254, 255, 256, 300):
    made = "a" * size
    print(size, hash(made) == hash("".join(["a"] * size)), {made: size}["a" * size])
print("\\0" in {"\\0": 1}, "é" + "ß" in {"éß": 1}, "".join([]) == "", str(b"", "utf8") in {"": 1})
print(sorted([name for name in dir(str) if name.startswith("is")]))
print(getattr("abc", "".join(["up", "per"]))(), sum([ord(name[-1]) for name in names]))
"""


def run(wasm: Path, folder: Path, program: str, *, more: str = "") -> str:
    script = folder / "run.mjs"
    own = folder / "micropython.mjs"
    own.write_bytes(closed(SCRIPT.read_bytes()) if more else SCRIPT.read_bytes())
    script.write_text(RUN % json.dumps(str(own)) + more, "utf-8")
    return node(script, wasm, program)


def node(*arguments: str | Path) -> str:
    command = ["node", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-1000:]
    return done.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "micropython.wasm"
    path.write_bytes(faster(WASM.read_bytes()))
    return path


@pytest.mark.parametrize(
    ("program", "last"),
    [
        pytest.param(ERRORS, "has no attribute 'a'\",)", id="errors"),
        pytest.param(FOREIGN, "TypeError: denied", id="errors of JavaScript"),
        pytest.param(STRINGS, "ABC", id="strings"),
    ],
)
def test_it_prints_what_the_vendors_prints_and_keeps_its_state_to_itself(
    made: Path, tmp_path: Path, program: str, last: str
) -> None:
    vendors = run(WASM, tmp_path, program)

    assert last in vendors.splitlines()[-1]
    assert run(made, tmp_path, program, more=NAMES) == vendors + "[ 'Proxy' ]\n"


def test_no_call_goes_through_javascript_to_catch_an_error(made: Path) -> None:
    assert b"invoke_" in WASM.read_bytes()
    assert b"invoke_" not in made.read_bytes()


IMPORT_ALL = """
for name in %s:
    try:
        __import__(name)
    except ImportError:
        print(name)
"""


def test_it_has_the_modules_of_the_page_and_all_if_asked(made: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.wasm"
    whole.write_bytes(faster(WASM.read_bytes(), whole=True))
    others = ["base64", "datetime", "html", "tarfile", "unittest"]
    names = [path.partition("/")[0] for path in KEPT] + others

    assert run(whole, tmp_path, IMPORT_ALL % names) == ""
    assert run(made, tmp_path, IMPORT_ALL % names).split() == others


def test_the_script_has_no_checks_for_developers_and_no_code_of_node() -> None:
    script = closed(SCRIPT.read_bytes()).decode()
    changed = lean(script.encode()).decode()

    assert [pattern for pattern in LEAN if not re.search(pattern, script)] == []
    assert "Cannot call unknown function" in script
    assert "condition||abort" not in changed
    assert "process." not in changed


both_changes = pytest.mark.parametrize(
    ("change", "path"),
    [pytest.param(faster, WASM, id="wasm"), pytest.param(closed, SCRIPT, id="script")],
)


@both_changes
def test_another_version_stays_as_it_is_and_the_build_says_so(
    change: Callable[[bytes], bytes], path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    another = path.read_bytes() + b"\0"

    assert change(another) == another

    warning = capsys.readouterr().err
    assert warning.startswith("warning: ")
    assert path.name in warning
    assert hashlib.sha256(another).hexdigest() in warning


@both_changes
def test_the_installed_version_is_changed_without_a_warning(
    change: Callable[[bytes], bytes], path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert change(path.read_bytes()) != path.read_bytes()
    assert capsys.readouterr().err == ""


SET_BACK = """
import { loadMicroPython } from %s;
const now = Date.now.bind(Date);
let wrongByMs = 0;
Date.now = () => now() + wrongByMs;
globalThis.setBack = () => { wrongByMs = -7_200_000; };
const python = await loadMicroPython({ url: process.argv[2], linebuffer: true });
python.runPython(`
import asyncio, js

async def say():
    print("ran")

async def main():
    task = asyncio.create_task(say())
    js.setBack()
    await task

asyncio.create_task(main())
`);
setTimeout(() => process.exit(), 100);
"""


@pytest.mark.parametrize(("changed", "printed"), [(False, ""), (True, "ran\n")])
def test_a_task_that_is_ready_runs_although_the_wall_time_is_set_back(
    tmp_path: Path, changed: bool, printed: str
) -> None:
    script, own = tmp_path / "run.mjs", tmp_path / "micropython.mjs"
    vendors = SCRIPT.read_bytes()
    own.write_bytes(steady(closed(vendors)) if changed else vendors)
    script.write_text(SET_BACK % json.dumps(str(own)), "utf-8")

    assert node(script, WASM) == printed
