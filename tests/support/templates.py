"""Reading the templates in `deploy`, and the settings that they give the server."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ossferry.settings.loading import load_settings
from ossferry.settings.model import PREFIX, Settings
from ossferry.settings.secrets import is_secret
from support.config import ROOT

DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
"""The folder of programs that Python packages contain."""
PAGE = ROOT / "docs" / "deploy.md"


def run(*command: str | Path, folder: Path = ROOT, text: str = "") -> str:
    """Return the output of a program; fail with its error messages if its exit code is not 0.

    Args:
        text: its standard input.
    """
    done = subprocess.run(  # noqa: S603 - programs of the tests
        command, cwd=folder, input=text, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def documents(text: str) -> list[dict[str, Any]]:
    """Return the documents of a YAML file that holds a mapping in each document."""
    return [each for each in yaml.safe_load_all(text) if each is not None]


def read_env(path: Path) -> dict[str, str]:
    """Return the variables of a file with lines `NAME=value`, as containers get them: unquoted."""
    lines = path.read_text("utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name: value for name, _, value in pairs}


def commands(heading: str) -> list[str]:
    """Return the commands in one section of `docs/deploy.md`."""
    section = PAGE.read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^ *```console\n(.*?)^ *```", section, re.DOTALL | re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def last_stage(folder: str = "container") -> list[str]:
    """Return the instructions of the stage of a Dockerfile in `deploy` that becomes the image."""
    text = (DEPLOY / folder / "Dockerfile").read_text("utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    stage = lines.rpartition("\nFROM ")[2]
    return [" ".join(line.split()) for line in stage.splitlines() if line.strip()]


def random_secret(name: str) -> str:
    """Return a text that the server accepts as a secret; it differs from that of other names."""
    return hashlib.sha256(name.encode()).hexdigest()


def secret_files() -> set[str]:
    """Return the variables that name a file with a secret."""
    fields = Settings.model_fields
    return {f"{PREFIX}{name.upper()}_FILE" for name in fields if is_secret(fields[name])}


def unknown_options(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that look like options of the server and are none."""
    known = secret_files() | {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def settings_from(
    environment: Mapping[str, str],
    secrets: Mapping[str, str],
    *,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Settings:
    """Return the settings of a server with this environment, and with no other options.

    Args:
        environment: its environment variables.
        secrets: the content of each file, by the path that the environment has for it.
        folder: an empty folder, which becomes the working directory.
    """
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(folder)
    for number, (name, value) in enumerate(environment.items()):
        if name in secret_files():
            path = folder / f"secret-{number}"
            path.write_text(secrets[value], "utf-8")
            monkeypatch.setenv(name, str(path))
        else:
            monkeypatch.setenv(name, value)
    return load_settings()
