"""Write the SBOM of each wheel into `build/sbom/<wheel>.cdx.json`, in the format CycloneDX 1.6.

The command line arguments are the names of wheels; without arguments, the program writes the SBOMs
of all wheels.

An SBOM lists the third-party code that the wheel contains: npm packages, the packages that
PyScript's files contain, the libraries in the interpreters (`embedded.toml`), and Python packages.
It does not list the packages that pip installs with the wheel: the wheel's metadata names them, and
`constraints.txt` has their versions. An SBOM has no date and no random number: the same input gives
the same bytes.
"""

import base64
import importlib.metadata
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType, Pedigree
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import fixup_id
from packageurl import PackageURL

from build import NODE_MODULES, WEB, pyscript

ROOT = WEB.parent
OUT = ROOT / "build" / "sbom"
PROJECTS = {
    "ossferry": ROOT,
    "ossferry-pyodide": ROOT / "wheels" / "pyodide",
    "mock-oss": ROOT / "wheels" / "mock",
    "ossferry-uploader": ROOT / "wheels" / "uploader",
}
"""The folder of each wheel's `pyproject.toml`."""

PYSCRIPT = "@pyscript/core"
MICROPYTHON = "@micropython/micropython-webassembly-pyscript"
PACKAGES = {
    "ossferry": ("hash-wasm", "idb-keyval", "qrcode-generator", PYSCRIPT, MICROPYTHON),
    "ossferry-pyodide": ("libheif-js", "pyodide"),
    "mock-oss": (),
    "ossferry-uploader": ("hash-wasm", "idb-keyval"),
}
PYTHON_PACKAGES = {"ossferry-pyodide": ("et-xmlfile", "openpyxl", "pypdf")}
"""The Python packages in a wheel, for the checks in the page."""

CHANGES = {
    MICROPYTHON: "web/interpreter.py changes micropython.wasm (it catches errors and finds strings"
    " faster, and has fewer modules) and micropython.mjs (it keeps the interpreter's state out of"
    " globalThis, and has no checks for developers).",
    PYSCRIPT: "web/pyscript.mjs leaves out what the page does not use.",
}
RENAMED = {"LGPL-3.0": "LGPL-3.0-only"}
"""Names of licences that SPDX has replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A component in an SBOM: a package or library that a wheel contains, or the wheel itself.

    Attributes:
        kind: the type of the package URL: `pypi`, `npm` or `generic`.
        version: the version; `None` if it is unknown.
        licenses: SPDX expressions, or names of licences.
        sha512: the hash of the package's file in the registry, as hexadecimal digits; empty if it
            is unknown.
        parts: the package URLs of the components that this component contains.
        changes: a description of the project's changes to the code; empty if there are none.
    """

    kind: str
    name: str
    version: str | None
    licenses: tuple[str, ...]
    sha512: str = ""
    parts: tuple[str, ...] = ()
    changes: str = ""

    @property
    def purl(self) -> str:
        """The package URL, which identifies the component in the SBOM."""
        group, _, name = self.name.rpartition("/")
        return PackageURL(self.kind, group or None, name, self.version).to_string()


def contained(wheel: str) -> list[Part]:
    """Return the third-party code that a wheel contains, one `Part` for each package or library.

    Args:
        wheel: the name of the wheel.

    Raises:
        KeyError: PyScript contains a package that is neither installed nor in `embedded.toml`.
    """
    embedded = tomllib.loads((WEB / "embedded.toml").read_text("utf-8"))
    lock = json.loads((WEB / "package-lock.json").read_text("utf-8"))["packages"]
    parts: dict[str, Part] = {}
    for name in PACKAGES[wheel]:
        inside = [
            Part(kind="generic", name=generic, version=about.get("version"), licenses=_ids(about))
            for generic, about in embedded.get(name, {}).items()
        ]
        if name == PYSCRIPT:
            known = {part.name for part in inside}
            inside += [part for part in _bundled() if part.name not in known]
        about = lock[f"node_modules/{name}"]
        digest = base64.b64decode(about["integrity"].removeprefix("sha512-")).hex()
        package = Part(
            kind="npm",
            name=name,
            version=about["version"],
            licenses=_ids(_package(NODE_MODULES / name)),
            sha512=digest,
            parts=tuple(part.purl for part in inside),
            changes=CHANGES.get(name, ""),
        )
        parts |= {part.purl: part for part in (package, *inside)}
    return [*parts.values(), *map(_python_package, PYTHON_PACKAGES.get(wheel, ()))]


def _bundled() -> Iterator[Part]:
    """Yield the npm packages whose code is in the page's PyScript."""
    found = (re.match(r"(?:.+/node_modules/)?(?:@[^/]+/)?[^/]+", path) for path in pyscript()[1])
    for folder in sorted({matched[0] for matched in found if matched} - {PYSCRIPT}):
        about = _package(NODE_MODULES / folder)
        name, version = str(about["name"]), str(about["version"])
        yield Part(kind="npm", name=name, version=version, licenses=_ids(about))


def _package(folder: Path) -> dict[str, object]:
    about: dict[str, object] = json.loads((folder / "package.json").read_text("utf-8"))
    return about


def _ids(about: Mapping[str, object]) -> tuple[str]:
    """Return the licence of a package as an SPDX expression."""
    name = str(about["license"])
    return (RENAMED.get(name) or fixup_id(name) or name,)


def _python_package(name: str) -> Part:
    """Return the `Part` for an installed Python package."""
    about = importlib.metadata.metadata(name)
    field = "License-Expression" if "License-Expression" in about else "License"
    return Part(kind="pypi", name=name, version=about["Version"], licenses=(about[field],))


def _component(part: Part, kind: ComponentType = ComponentType.LIBRARY) -> Component:
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(part.purl),
        hashes=[HashType(alg=HashAlgorithm.SHA_512, content=part.sha512)],
    )
    group, _, name = part.name.rpartition("/")
    return Component(
        type=kind,
        bom_ref=part.purl,
        group=group or None,
        name=name,
        version=part.version,
        licenses=[LicenseFactory().make_from_string(name) for name in part.licenses],
        purl=PackageURL.from_string(part.purl),
        external_references=[files] if part.sha512 else [],
        pedigree=Pedigree(notes=part.changes) if part.changes else None,
    )


def write(wheel: str, folder: Path = OUT) -> Path:
    """Write the SBOM of a wheel to `<folder>/<wheel>.cdx.json`, and return the path of the file."""
    project = tomllib.loads((PROJECTS[wheel] / "pyproject.toml").read_text("utf-8"))["project"]
    parts = contained(wheel)
    direct = {*PACKAGES[wheel], *PYTHON_PACKAGES.get(wheel, ())}
    own = Part(
        kind="pypi",
        name=wheel,
        version=project["version"],
        licenses=(project["license"],),
        parts=tuple(part.purl for part in parts if part.name in direct),
    )
    bom = Bom()
    bom.metadata.component = _component(own, ComponentType.APPLICATION)
    components = {part.purl: _component(part) for part in parts}
    bom.components.update(components.values())
    components[own.purl] = bom.metadata.component
    for part in (own, *parts):
        bom.register_dependency(components[part.purl], [components[purl] for purl in part.parts])
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["serialNumber"], document["metadata"]["timestamp"]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{wheel}.cdx.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


if __name__ == "__main__":
    for name in sys.argv[1:] or PROJECTS:
        write(name)
