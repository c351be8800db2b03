"""Fills the folder of `OSSFERRY_CHECKS_DIR` with wheels that run in the page's Pyodide.

pip chooses the versions, with its own configuration, such as an operator's package index. It
evaluates the conditions of dependencies, such as `sys_platform == "win32"`, for this machine. So
this module evaluates them again for the browser, downloads dependencies that are missing, and
removes wheels that no other package needs.

The folder contains the wheels, `checks.lock`, which pins them by hash, and `bundle.json`, which the
server reads.
"""

import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import parse_wheel_filename

from ossferry.checks.bundle import BUNDLE, PLATFORM, PYTHON, Bundle, Package, normal_name
from ossferry.errors import SettingsError

TARGET = (
    "--only-binary=:all:",
    f"--platform={PLATFORM}",
    f"--python-version={PYTHON}",
    "--implementation=cp",
    f"--abi=cp{PYTHON.replace('.', '')}",
)
NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError"
    r"|SSLError|RemoteDisconnected|ConnectionResetError|Max retries exceeded"
)
NO_WHEEL = re.compile(r"No matching distribution found for (\S+)")


def download(requirements: Sequence[str], folder: Path, *, lock: Path | None = None) -> None:
    """Download the wheels of packages and of their dependencies to a folder, with pip.

    Args:
        requirements: the packages, as requirements without environment markers; empty if there is a
            lock file.
        folder: the folder.
        lock: a file of requirements with hashes; pip downloads exactly these files.

    Raises:
        SettingsError: pip is missing, the index does not answer, a package has no wheel for the
            browser, or the files differ from the lock file.
    """
    if importlib.util.find_spec("pip") is None:
        raise SettingsError(
            "`ossferry checks bundle` needs pip; run `python -m ensurepip` in the environment of"
            " ossferry, or `uv pip install pip`."
        )
    command = [sys.executable, "-m", "pip", "download", "--no-input", "--dest", str(folder)]
    command += TARGET
    if lock is not None:
        command += ["--no-deps", "--require-hashes", "--requirement", str(lock)]
    done = subprocess.run(  # noqa: S603 - requirements begin with a letter or a digit
        [*command, *requirements], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SettingsError(_explained(done.stdout + done.stderr))


def _explained(output: str) -> str:
    """Return a sentence about the failure that pip describes."""
    if "DO NOT MATCH THE HASHES" in output:
        return (
            "the package index has other files than checks.lock; `ossferry checks bundle --update`"
            " makes a new lock."
        )
    if NO_NETWORK.search(output):
        return (
            "the package index does not answer; check the network, and the configuration of pip"
            " (`pip config list`)."
        )
    if found := NO_WHEEL.search(output):
        return (
            f"no wheel of {found[1]} runs in the browser: it must be pure Python (py3-none-any), or"
            f" built for {PLATFORM} and CPython {PYTHON}. For a package of a Pyodide"
            " release, set PIP_FIND_LINKS to the folder of the release."
        )
    errors = re.findall(r"^ERROR: (.+)$", output, re.MULTILINE)
    if "ResolutionImpossible" in output:
        conflict = re.findall(r"^    (\S.*)$", output, re.MULTILINE)
        return f"the packages contradict each other: {'; '.join(conflict)}."
    last = errors[-1] if errors else (output.strip().splitlines() or ["no output"])[-1]
    return f"pip cannot download the wheels: {last.rstrip('.')}."


LOCK = "checks.lock"
MAX_ROUNDS = 20
"""A package can need packages that only the browser needs, which can need further ones."""

HEAD = "# requirements: "
ENVIRONMENT: Mapping[str, str] = {
    "implementation_name": "cpython",
    "implementation_version": f"{PYTHON}.0",
    "os_name": "posix",
    "platform_machine": "wasm32",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Emscripten",
    "platform_version": "",
    "python_full_version": f"{PYTHON}.0",
    "python_version": PYTHON,
    "sys_platform": "emscripten",
}
"""The values of environment markers in the page's Pyodide."""


GONE = (
    "aifc asynchat asyncore audioop cgi cgitb chunk crypt distutils imghdr imp lib2to3 mailcap"
    " msilib nis nntplib ossaudiodev pipes smtpd sndhdr spwd sunau telnetlib uu xdrlib"
)
"""Modules of older releases of Python; some packages bring them back."""

OF_WORKER = "js pyodide pyodide_js _pyodide ossferry_checks sitecustomize usercustomize"
"""Modules that the page's worker has, or that Python imports by itself."""

TAKEN = (sys.stdlib_module_names - set(GONE.split())) | set(OF_WORKER.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A downloaded wheel, before it is part of a bundle.

    Attributes:
        package: the entry of the wheel for `bundle.json`.
        requires: the dependencies with their environment markers.
    """

    path: Path
    package: Package
    requires: tuple[Requirement, ...]


def make_bundle(requirements: Sequence[str], folder: Path, *, update: bool = False) -> Bundle:
    """Fill a folder with the wheels of packages and of their dependencies; return the new bundle.

    If the folder has a lock file, exactly the wheels in the lock file are used, and only missing
    ones are downloaded.

    Args:
        requirements: the packages, as requirements for pip.
        folder: the folder, which also gets the lock file and `bundle.json`.
        update: whether to ignore an existing lock file, choose new versions, and write a new one.

    Raises:
        SettingsError: pip fails, there is no suitable wheel, or the lock file does not match the
            requirements.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / LOCK
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as name:
        fresh = Path(name)
        if lock.exists() and not update:
            _refuse_other_lock(lock, requirements)
            _download_locked(lock, fresh, kept=folder)
            found = _read_wheels(fresh)
            wheels = list(found.values())
            if missing := _needed(requirements, found)[1]:
                raise SettingsError(
                    f"{lock} lacks {', '.join(missing)}; `ossferry checks bundle --update` makes a"
                    " new lock."
                )
        else:
            wheels = _resolve(requirements, fresh)
        return _store(requirements, wheels, folder)


def _resolve(requirements: Sequence[str], fresh: Path) -> list[Wheel]:
    """Download the wheels of requirements with all dependencies in the browser."""
    wanted = list(requirements)
    for _ in range(MAX_ROUNDS):
        download(wanted, fresh)
        wheels, missing = _needed(requirements, _read_wheels(fresh))
        if not missing:
            return wheels
        wanted += missing
        for path in fresh.iterdir():
            path.unlink()
    raise SettingsError(f"the dependencies cannot be resolved: {', '.join(wanted)}.")


def _needed(
    requirements: Iterable[str], found: Mapping[str, Wheel]
) -> tuple[list[Wheel], list[str]]:
    """Return the wheels that the browser needs, and the requirements without a wheel."""
    needed: dict[str, Wheel] = {}
    missing: list[str] = []
    pending = [Requirement(each) for each in requirements]
    seen = set()
    for requirement in pending:  # grows
        name = normal_name(requirement.name)
        wheel = found.get(name)
        if wheel is None or not requirement.specifier.contains(
            wheel.package.version, prereleases=True
        ):
            missing.append(str(Requirement(_without_marker(requirement))))
            continue
        needed[name] = wheel
        for extra in ("", *requirement.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                pending += [
                    each
                    for each in wheel.requires
                    if each.marker is None or each.marker.evaluate({**ENVIRONMENT, "extra": extra})
                ]
    return sorted(needed.values(), key=lambda each: each.package.name), missing


def _without_marker(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}{requirement.specifier}"


def _read_wheels(folder: Path) -> dict[str, Wheel]:
    """Return the wheels in a folder by the normal names of their packages."""
    wheels = [_read_wheel(path) for path in sorted(folder.glob("*.whl"))]
    return {each.package.name: each for each in wheels}


def _read_wheel(path: Path) -> Wheel:
    """Return the name, hash, dependencies and modules of a wheel.

    Raises:
        SettingsError: the file is no wheel, or could replace modules of Python or of the worker.
    """
    try:
        name, version, _, _ = parse_wheel_filename(path.name)
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            metadata = next(
                each for each in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", each)
            )
            text = archive.read(metadata).decode()
        declared = HeaderParser().parsestr(text).get_all("Requires-Dist", [])
        requires = tuple(Requirement(each) for each in declared)
    except (ValueError, StopIteration, zipfile.BadZipFile, InvalidRequirement) as error:
        raise SettingsError(f"{path.name} is no valid wheel ({error}).") from error
    for each in names:
        if not {"", ".", ".."}.isdisjoint(each.removesuffix("/").split("/")):
            raise SettingsError(f"{path.name} has a wrong path: {each}; choose another package.")
    imports = _imports(names)
    if taken := TAKEN.intersection(imports):
        raise SettingsError(
            f"{path.name} has modules with names of Python's library or of the page's worker:"
            f" {', '.join(sorted(taken))}; choose another package."
        )
    package = Package(
        name=name, version=str(version), file=path.name, sha256=_sha256(path), imports=imports
    )
    return Wheel(path=path, package=package, requires=requires)


def _imports(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the modules and packages among the paths in a wheel."""
    tops = {each.partition("/") for each in names}
    found = {
        top if rest else top.partition(".")[0]
        for top, _, rest in tops
        if not top.endswith((".dist-info", ".data"))
        and (rest or top.endswith((".py", ".pyc", ".so")))
    }
    return tuple(sorted(each for each in found if each.isidentifier()))


def _refuse_other_lock(lock: Path, requirements: Sequence[str]) -> None:
    lines = lock.read_text("utf-8").splitlines()
    head = next((each for each in lines if each.startswith(HEAD)), "")
    if head != HEAD + json.dumps(list(requirements)):
        raise SettingsError(
            f"{lock} is for other packages than OSSFERRY_CHECKS_PACKAGES; `ossferry checks bundle"
            " --update` makes a new lock."
        )


def _download_locked(lock: Path, fresh: Path, *, kept: Path) -> None:
    """Put the wheels of a lock into a folder; download those that are not in `kept`."""
    lines = [each for each in lock.read_text("utf-8").splitlines() if not each.startswith("#")]
    hashes = {line.rpartition("sha256:")[2]: line for line in lines if line}
    for path in kept.glob("*.whl"):
        if hashes.pop(_sha256(path), None):
            shutil.copyfile(path, fresh / path.name)
    if hashes:
        rest = fresh / LOCK
        rest.write_text("\n".join(hashes.values()) + "\n", "utf-8")
        download([], fresh, lock=rest)


def _store(requirements: Sequence[str], wheels: Sequence[Wheel], folder: Path) -> Bundle:
    """Move wheels to the folder, write the lock and the list, and remove other wheels."""
    bundle = Bundle(
        requirements=tuple(requirements),
        python=PYTHON,
        platform=PLATFORM,
        packages=tuple(each.package for each in wheels),
    )
    for each in wheels:
        each.path.replace(folder / each.path.name)
    head = "# Made by `ossferry checks bundle`; `--update` chooses new versions."
    pins = [f"{each.name}=={each.version} --hash=sha256:{each.sha256}" for each in bundle.packages]
    lines = [head, HEAD + json.dumps(list(requirements)), *pins]
    _write(folder / LOCK, "\n".join(lines) + "\n")
    _write(folder / BUNDLE, json.dumps(asdict(bundle), indent=1) + "\n")
    for path in folder.glob("*.whl"):
        if path.name not in {each.file for each in bundle.packages}:
            path.unlink()
    return bundle


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(path: Path, text: str) -> None:
    """Write a file so that readers see the old or the new text, never a part."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(text, "utf-8")
    new.replace(path)
