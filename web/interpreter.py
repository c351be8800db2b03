"""Makes MicroPython's WASM faster, without compiling it again; what it computes stays the same.
`closed` keeps the interpreter's memory, and what it holds of JavaScript, off `globalThis`.

Binaryen writes it as text, what is below and `interpreter.wat` is put in, and Binaryen optimizes it
all. `docs/decisions/0005-a-faster-interpreter.md` says why, and what it brings.

Errors: it was compiled so that each call from which one may come goes through a function of
JavaScript, `invoke_*`, that catches what `longjmp` throws. WASM can catch that itself.

Strings: a string that is made is looked for among those that are interned, one after the other, and
a page has thousands of them. `interpreter.wat` finds it by its hash.
"""

import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["closed", "faster"]

HERE = Path(__file__).parent
ADDED = HERE / "interpreter.wat"
BINARYEN = HERE / "node_modules/binaryen"
CACHE = HERE / "node_modules/.cache/ossferry"

# Names in this WASM only. `qstr_find_strn` is the function that begins with 5381, goes through
# pools of strings from the last one, and ends with `memcmp`.
KNOWN = "06338c955b03c5700aa0069015d3e392d76836ef8e2ce25bedbe59b88ccd373c"  # SHA-256
FIND_STRING, COMPARE, LAST_POOL = "$33", "$1335", "185156"

# Of MicroPython's script: what it puts on `globalThis`, where every script of the page finds it.
KNOWN_SCRIPT = "c2be87e7ba24e3b47d133022b009a66bff07f4720aa23d816d216ef8cc47014c"  # SHA-256
TABLES = (
    "proxy_js_existing",
    "proxy_js_map",
    "proxy_js_ref",
    "proxy_js_ref_map",
    "proxy_js_ref_next",
    "pyProxyFinalizationRegistry",
)

# What Emscripten's `invoke_*` does for errors of Python and of JavaScript.
CATCH = """
(func {name} {params} {result} (local $stack i32)
  (local.set $stack (call {stack}))
  (try $call {result}
    (do (call_indirect {functions} {type} {result} {rest} (local.get 0)))
    (catch $longjmp
      (call {restore} (local.get $stack))
      (call {setThrew} (i32.const 1) (i32.const 0))
      {none})
    (catch_all
      (call {restore} (local.get $stack))
      (rethrow $call))))"""

FEATURES = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-exception-handling",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
]
# The table of functions is exported, but MicroPython's script only reads it: calls may be direct.
OPTIMIZE = ["-O3", "--pass-arg=directize-initial-contents-immutable"]
IMPORT = r'\(import "env" "%s" \(func (\$\S+)((?: \(param[ i32]+\))?)((?: \(result i32\))?)\)\)'


def faster(wasm: bytes) -> bytes:
    """Return WASM that does the same in less time. It takes ten seconds; the result is kept.

    Raises:
        ValueError: it is another than that for which this was written.
        SystemExit: Binaryen cannot do it.
    """
    if hashlib.sha256(wasm).hexdigest() != KNOWN:
        raise ValueError("MicroPython's WASM is another: find anew what interpreter.py changes")
    parts = (Path(__file__), ADDED, BINARYEN / "package.json")
    own = b"".join(part.read_bytes() for part in parts)
    kept = CACHE / f"micropython-{hashlib.sha256(own).hexdigest()}.wasm"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            given, text, fresh = (Path(folder) / name for name in ("in.wasm", "in.wat", "out.wasm"))
            given.write_bytes(wasm)
            _run("wasm-dis", given, "-o", text)
            text.write_text(_changed(text.read_text("utf-8")), "utf-8")
            _run("wasm-opt", *OPTIMIZE, text, "-o", fresh)
            fresh.rename(kept)
    return kept.read_bytes()


def closed(script: bytes) -> bytes:
    """Return MicroPython's script with its state in variables of this module alone.

    It keeps on `globalThis` the objects and promises of JavaScript that Python holds, the objects
    of Python that JavaScript holds, and the functions that read the interpreter's memory.

    Raises:
        ValueError: it is another than that for which this was written.
    """
    if hashlib.sha256(script).hexdigest() != KNOWN_SCRIPT:
        raise ValueError("MicroPython's script is another: find anew what interpreter.py changes")
    text = script.decode()
    for name in TABLES:
        text = re.sub(rf"globalThis\.{name}\b", name, text)
    text = text.replace("globalThis.Module=Module", "keepModule(Module)")
    head = f"let Module,{','.join(TABLES)};const keepModule=made=>{{Module=made}};"
    return (head + text).encode()


def _changed(text: str) -> str:
    """Return the text of the WASM, with errors and strings as they are here."""
    exports = dict(re.findall(r'\(export "(\w+)" \(func (\$\S+)\)\)', text))
    names = {
        **{name: exports[name] for name in ("malloc", "setThrew")},
        "stack": exports["emscripten_stack_get_current"],
        "restore": exports["_emscripten_stack_restore"],
        "functions": _only(r"\n \(table (\$\S+)", text)[1],
        "throw_longjmp": _only(IMPORT % "_emscripten_throw_longjmp", text)[1],
        "find_string": FIND_STRING,
        "compare": COMPARE,
        "last_pool": LAST_POOL,
    }
    catching = [
        CATCH.format(name=name, params=params, result=result, **_passed(params, result), **names)
        for name, params, result in re.findall(IMPORT % "invoke_[iv]+", text)
    ]
    text = re.sub(IMPORT % "(?:invoke_[iv]+|_emscripten_throw_longjmp)", "", text)
    head = f"\n (func {FIND_STRING} "
    _only(re.escape(head), text)
    text = text.replace(head, "\n (func $one_by_one ")
    added = ADDED.read_text("utf-8").format(**names)
    return text.rstrip().removesuffix(")") + "\n".join([added, *catching]) + ")\n"


def _passed(params: str, result: str) -> dict[str, str]:
    """Return what goes on to the function of which the first parameter is the number."""
    count = params.count("i32") - 1
    return {
        "type": f"(param{' i32' * count})" if count else "",
        "rest": " ".join(f"(local.get {number})" for number in range(1, count + 1)),
        "none": "(i32.const 0)" if result else "",
    }


def _only(pattern: str, text: str) -> re.Match[str]:
    found = list(re.finditer(pattern, text))
    if len(found) != 1:
        raise ValueError(f"MicroPython's WASM has {len(found)} of what is changed there: {pattern}")
    return found[0]


def _run(program: str, *given: str | Path) -> None:
    command = ["node", BINARYEN / "bin" / program, *FEATURES, *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"{program} failed: {done.stderr}")
