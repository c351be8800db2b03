"""Downloads wheels for the browser with pip, and explains failures of pip.

pip uses its own configuration, so an operator's package index works here too.
"""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ossferry.checks.bundle import PLATFORM, PYTHON
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
