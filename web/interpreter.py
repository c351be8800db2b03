"""Change the WASM file and the script of MicroPython when the page is built, without a C compiler.

`faster` changes the WASM file. Binaryen disassembles the file to text. `faster` replaces functions
in this text and adds `interpreter.wat`. Then Binaryen assembles and optimizes the result. The
interpreter behaves as before, only faster. The reasons and measurements are in
`docs/decisions/0005-a-faster-interpreter.md`.

- Errors: in the original file each call that may raise an error goes through a JavaScript function,
  `invoke_*`, which catches the exception of `longjmp`. The changed file catches the exception
  without JavaScript.
- Strings: the original file compares a new string with thousands of interned strings.
  `interpreter.wat` finds an equal string by its hash.
- Modules: the page uses few of the modules of Python that the original file contains. The bytecode
  of the others is replaced by zeros, so that the compressed file is an eighth smaller.

`closed` changes the script. The original script keeps its state on `globalThis`, where any script
of the page could read the interpreter's memory. The changed script keeps the state in variables of
the module.

`steady` changes the clock that `asyncio` uses in the script. `lean` removes checks of the script
for developers of MicroPython, and code for other places than web pages.

`faster` and `closed` can change only one version of MicroPython, which they recognize by a hash.
They return any other version unchanged, and write a warning to stderr. The page then works, but the
interpreter is slower, or other scripts can read the interpreter's memory.
"""

import hashlib
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ADDED = HERE / "interpreter.wat"
BINARYEN = HERE / "node_modules/binaryen"
CACHE = HERE / "node_modules/.cache/ossferry"

# Names in the text of the known WASM. `qstr_find_strn` is the function that begins with 5381, goes
# through the pools of strings from the last to the first, and ends with `memcmp`.
KNOWN = "06338c955b03c5700aa0069015d3e392d76836ef8e2ce25bedbe59b88ccd373c"  # SHA-256
FIND_STRING, COMPARE, LAST_POOL = "$33", "$1335", "185156"

# The modules of Python in the known WASM: the file offset of their paths, the address of the list
# of their data, and the difference between file offsets and addresses. The data of a module begins
# at the address to which its entry points, and ends where that of the next module begins.
PATHS, MODULES, SHIFT = 0x573BA, 0x1AC90, 0x3CA9A
KEPT = ("asyncio/", "binascii", "collections/", "functools", "os/__init__", "time", "types")

# The properties that the known script sets on `globalThis`.
KNOWN_SCRIPT = "c2be87e7ba24e3b47d133022b009a66bff07f4720aa23d816d216ef8cc47014c"  # SHA-256
TABLES = (
    "proxy_js_existing",
    "proxy_js_map",
    "proxy_js_ref",
    "proxy_js_ref_map",
    "proxy_js_ref_next",
    "pyProxyFinalizationRegistry",
)

# Patterns in the known script, and what `lean` puts there. esbuild then removes more code.
LEAN = {
    r"(function assert\()condition,text\)\{.*?\}(?=var )": r"\1){}",
    r"(function makeInvalidEarlyAccess\()name\)\{.*?\}(?=function )": r"\1){}",
    r"(function \w+\()\w+\)\{Object\.getOwnPropertyDescriptor.*?\}(?=function |h16=)": r"\1){}",
    r"(function checkStackCookie\(\)\{).*?\}(?=var h16)": r"\1}",
    r"h16=new Int16Array\(1\).*?BIG_ENDIAN[^;]*;": "",
    r'Error\("not compiled for this environment[^"]*"\)': "Error()",
    r"\bisFileURI\(\w+\)": "false",
    r"syncfs\(populate,.*?(?=mount\(type)": "",
    r'\[(?:"\w+",?)+\]\.forEach\([\w(){]*unexportedRuntimeSymbol[\w()}]*\)[,;]': "",
    r",forceLoadFile\(obj\)\{.*?(?=\},SYSCALLS=)": "",
    r"!function\(\)\{function humanReadableVersionToPacked.*?\}\(\);(?=var Module)": "",
    r"ENVIRONMENT_IS_(?:NODE|SHELL|WORKER)\b(?!=)": "false",
    r"(?:globalThis\.)?\bprocess\b": "undefined",
}

STEADY_TICKS = b"mp_js_ticks_ms:()=>performance.now()"

# The same as Emscripten's `invoke_*`, which handles errors of Python and of JavaScript.
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

# The size of the buffer with which a module is read: each read of the file goes through JavaScript.
BUFFER = r"(?<=\(select\n        \(i32.const )25(?=\)\n        \(select\n)"

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
# MicroPython's script only reads the exported table of functions: calls through it may be direct.
OPTIMIZE = ["-O3", "--pass-arg=directize-initial-contents-immutable"]
IMPORT = r'\(import "env" "%s" \(func (\$\S+)((?: \(param[ i32]+\))?)((?: \(result i32\))?)\)\)'


def faster(wasm: bytes, *, whole: bool = False) -> bytes:
    """Return MicroPython's WASM file, changed to run faster.

    The change takes about ten seconds, and the result is cached. The file of an unknown version is
    returned unchanged, with a warning on stderr.

    Args:
        wasm: the content of the original file.
        whole: whether to keep the modules that the page does not use, such as `datetime`.

    Raises:
        SystemExit: Binaryen failed.
    """
    if not _is_known("micropython.wasm", wasm, KNOWN, "runs slower"):
        return wasm
    parts = (Path(__file__), ADDED, BINARYEN / "package.json")
    own = b"".join(part.read_bytes() for part in parts) + bytes([whole])
    kept = CACHE / f"micropython-{hashlib.sha256(own).hexdigest()}.wasm"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            given, text, fresh = (Path(folder) / name for name in ("in.wasm", "in.wat", "out.wasm"))
            given.write_bytes(wasm if whole else _with_kept_modules(wasm))
            _run("wasm-dis", given, "-o", text)
            text.write_text(_changed(text.read_text("utf-8")), "utf-8")
            _run("wasm-opt", *OPTIMIZE, text, "-o", fresh)
            fresh.rename(kept)
    return kept.read_bytes()


def _with_kept_modules(wasm: bytes) -> bytes:
    """Return the known WASM file with zeros in place of the modules that are not `KEPT`."""
    changed = bytearray(wasm)
    paths = wasm[PATHS : wasm.index(b"\0\0", PATHS)].split(b"\0")
    numbers = struct.unpack_from(f"<{len(paths)}I", wasm, MODULES + SHIFT)
    starts = [struct.unpack_from("<I", wasm, number + SHIFT)[0] + SHIFT for number in numbers]
    at = PATHS
    for path, start, end in zip(paths, starts, starts[1:], strict=False):
        if not path.decode().startswith(KEPT):
            changed[start:end] = bytes(end - start)
            changed[at : at + len(path)] = b"-" * len(path)  # no module has such a name
        at += len(path) + 1
    return bytes(changed)


def closed(script: bytes) -> bytes:
    """Return MicroPython's script, changed to keep its state in variables of the module.

    The original script keeps the state on `globalThis`: JavaScript objects used by Python, Python
    objects used by JavaScript, and functions that read the interpreter's memory. The script of an
    unknown version is returned unchanged, with a warning on stderr.
    """
    loss = "lets other scripts of the page read its memory"
    if not _is_known("micropython.mjs", script, KNOWN_SCRIPT, loss):
        return script
    text = script.decode()
    for name in TABLES:
        text = re.sub(rf"globalThis\.{name}\b", name, text)
    text = text.replace("globalThis.Module=Module", "keepModule(Module)")
    head = f"let Module,{','.join(TABLES)};const keepModule=made=>{{Module=made}};"
    return (head + text).encode()


def lean(script: bytes) -> bytes:
    """Return MicroPython's script without checks for developers and code for other places."""
    text = script.decode()
    for pattern, instead in LEAN.items():
        text = re.sub(pattern, instead, text)
    return text.encode()


def steady(script: bytes) -> bytes:
    """Return MicroPython's script, changed so that `asyncio` measures time with a monotonic clock.

    The original script uses the wall clock. If that clock is set back, tasks that are ready to run
    would wait until it reaches the old time again.
    """
    return script.replace(b"mp_js_ticks_ms:()=>Date.now()-MP_JS_EPOCH", STEADY_TICKS)


def _is_known(name: str, content: bytes, known: str, loss: str) -> bool:
    """Tell whether a file has the known hash; if not, print a warning.

    Args:
        name: the name of the file.
        known: the SHA-256 of the known version.
        loss: the disadvantage of an unknown version, as text for the warning.
    """
    digest = hashlib.sha256(content).hexdigest()
    if digest != known:
        warning = f"""warning: {name} is not the version that web/interpreter.py can change.
  The page is built with the unchanged file: it works, but {loss}.
  SHA-256 {digest}, expected {known}.
  To update, see docs/decisions/0005-a-faster-interpreter.md."""
        sys.stderr.write(warning + "\n")
    return digest == known


def _changed(text: str) -> str:
    """Return the text of the WASM with new functions that catch errors and find strings."""
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
    _only(BUFFER, text)
    text = re.sub(BUFFER, "255", text)
    text = re.sub(IMPORT % "(?:invoke_[iv]+|_emscripten_throw_longjmp)", "", text)
    head = f"\n (func {FIND_STRING} "
    _only(re.escape(head), text)
    text = text.replace(head, "\n (func $one_by_one ")
    added = ADDED.read_text("utf-8").format(**names)
    return text.rstrip().removesuffix(")") + "\n".join([added, *catching]) + ")\n"


def _passed(params: str, result: str) -> dict[str, str]:
    """Return the values of three fields of the template `CATCH`: `type`, `rest` and `none`.

    `CATCH` is the code of an `invoke_*` function, which calls another function and catches errors.
    The first parameter of `invoke_*` is the index of the called function. The other parameters are
    the arguments for the called function.

    `type` declares the parameters of the called function, and `rest` lists the arguments. `none` is
    the result after an error, or empty if the function returns nothing.

    Args:
        params: the parameters of the `invoke_*` function, in the text format of WASM.
        result: the result type of the `invoke_*` function; may be empty.
    """
    count = params.count("i32") - 1
    return {
        "type": f"(param{' i32' * count})" if count else "",
        "rest": " ".join(f"(local.get {number})" for number in range(1, count + 1)),
        "none": "(i32.const 0)" if result else "",
    }


def _only(pattern: str, text: str) -> re.Match[str]:
    matches = list(re.finditer(pattern, text))
    if len(matches) != 1:
        raise ValueError(f"MicroPython's WASM has {len(matches)} matches, not one, for {pattern}")
    return matches[0]


def _run(program: str, *given: str | Path) -> None:
    command = ["node", BINARYEN / "bin" / program, *FEATURES, *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"{program} failed: {done.stderr}")
