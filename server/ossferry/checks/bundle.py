"""The bundle: the wheels that the operator's checks import, in the folder `OSSFERRY_CHECKS_DIR`.

The command `ossferry checks bundle` fills the folder. The file `bundle.json` lists the wheels with
their hashes. The server sends only these files to browsers.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, StringConstraints, TypeAdapter, ValidationError

from ossferry.errors import SettingsError
from ossferry.settings.checks import CheckSettings
from ossferry.settings.files import read_file

BUNDLE = "bundle.json"
PYTHON = "3.14"
"""The version of Python in the page's Pyodide."""

PLATFORM = "pyemscripten_2026_0_wasm32"
"""The platform of the page's Pyodide in the names of wheels (PEP 783)."""

HELP = "run `ossferry checks bundle`"


def _wheel(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*\.whl", name):
        raise ValueError("must be the name of a wheel")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A wheel in the bundle, as described in `bundle.json`.

    Attributes:
        name: the normalized name of the package.
        file: the name of the wheel file.
        sha256: the hash of the wheel, in hexadecimal digits.
        imports: the names of the top-level modules and packages in the wheel.
    """

    name: str
    version: str
    file: Annotated[str, AfterValidator(_wheel)]
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
    imports: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The content of `bundle.json`: the wheels, and the requirements that they fulfil.

    Attributes:
        requirements: the requirements of the operator, as for pip.
        python, platform: the Python version and the platform for which the wheels were built.
        packages: the wheels, with those of all dependencies.
    """

    requirements: tuple[str, ...]
    python: str
    platform: str
    packages: tuple[Package, ...]


def normal_name(name: str) -> str:
    """Return the normalized name of a package, such as `pydantic-core` for `Pydantic_Core`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_bundle(settings: CheckSettings) -> Bundle | None:
    """Read `bundle.json`; return None if the settings name no packages.

    Raises:
        SettingsError: the folder of the bundle is not set, or does not contain wheels for the
            packages in the settings and for the page's Pyodide.
    """
    if not settings.checks_packages:
        return None
    folder = settings.checks_dir
    if folder is None:
        raise SettingsError(
            f"OSSFERRY_CHECKS_DIR is missing: OSSFERRY_CHECKS_PACKAGES needs a folder; set it, and"
            f" {HELP}."
        )
    file = folder / BUNDLE
    if not file.exists():
        raise SettingsError(f"OSSFERRY_CHECKS_DIR: {folder} has no {BUNDLE}; {HELP}.")
    try:
        bundle = TypeAdapter(Bundle).validate_json(read_file("OSSFERRY_CHECKS_DIR", file))
    except ValidationError as error:
        raise SettingsError(f"OSSFERRY_CHECKS_DIR: {file} is damaged; {HELP}.") from error
    if (bundle.python, bundle.platform) != (PYTHON, PLATFORM):
        raise SettingsError(
            f"OSSFERRY_CHECKS_DIR: the wheels in {folder} are for another release of Pyodide;"
            f" {HELP} --update."
        )
    missing = sorted(set(settings.checks_packages) - set(bundle.requirements))
    if missing:
        raise SettingsError(
            f"OSSFERRY_CHECKS_PACKAGES: {folder} has no wheel for {', '.join(missing)}; {HELP}"
            " --update."
        )
    return bundle


def read_package(folder: Path, package: Package) -> bytes:
    """Return the content of a wheel of the bundle.

    Args:
        folder: the folder of the bundle.

    Raises:
        SettingsError: the file cannot be read, or has another hash than in `bundle.json`.
    """
    path = folder / package.file
    content = read_file("OSSFERRY_CHECKS_DIR", path)
    if hashlib.sha256(content).hexdigest() != package.sha256:
        raise SettingsError(
            f"OSSFERRY_CHECKS_DIR: {path} is not the file that {BUNDLE} lists; {HELP}."
        )
    return content
