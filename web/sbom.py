"""Write the SBOM of each wheel into `build/sbom/<wheel>.cdx.json`, in the format CycloneDX 1.6.

The command line arguments are the names of wheels; without arguments, the program writes the SBOMs
of all wheels.

An SBOM lists the Python packages that the wheel needs, with their versions in `requirements.lock`,
and the third-party code that the wheel contains: npm packages, the packages that PyScript's files
contain, and the libraries in the interpreters (`embedded.toml`). A package that only an extra of
the wheel needs has the scope `optional`. An SBOM has no date and no random number: the same input
gives the same bytes.
"""

import base64
import importlib.metadata
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType, Pedigree
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import fixup_id, is_expression
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from build import NODE_MODULES, WEB, pyscript_files

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
PYTHON_PACKAGES = {"ossferry-pyodide": ("openpyxl", "pypdf")}
"""The Python packages in a wheel, for the checks in the page; what they need is in it too."""

CHANGES = (
    "web/interpreter.py changes micropython.wasm (it catches errors and finds strings faster) and"
    " micropython.mjs (it keeps the interpreter's state out of globalThis)."
)
RENAMED = {"LGPL-3.0": "LGPL-3.0-only"}
"""Names of licences that SPDX has replaced."""
# The platforms whose dependencies the SBOM lists.
ENVIRONMENTS = [
    {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux"},
    {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows"},
]
PYTHONS = [
    {"python_version": "3.11", "python_full_version": "3.11.0"},
    {"python_version": "3.14", "python_full_version": "3.14.0"},
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A component in an SBOM: a package that a wheel needs, or third-party code that it contains.

    Attributes:
        kind: the type of the package URL: `pypi`, `npm` or `generic`.
        version: the version; `None` if it is unknown.
        licenses: SPDX expressions, or names of licences.
        hashes: hashes of the package's files in the registry, as hexadecimal digits.
        parts: the package URLs of the components that this component needs or contains.
        changes: a description of the project's changes to the code; empty if there are none.
    """

    kind: str
    name: str
    version: str | None
    licenses: tuple[str, ...]
    hashes: tuple[str, ...] = ()
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
            hashes=(digest,),
            parts=tuple(part.purl for part in inside),
            changes=CHANGES if name == MICROPYTHON else "",
        )
        parts |= {part.purl: part for part in (package, *inside)}
    return [*parts.values(), *needed(map(Requirement, PYTHON_PACKAGES.get(wheel, ())))]


def _bundled() -> Iterator[Part]:
    """Yield the npm packages whose code PyScript's files contain.

    PyScript's authors bundled them. The version is known only if all their files are the same as
    those that npm has installed here.
    """
    same: dict[str, bool] = {}
    folders: dict[str, Path] = {}
    for path in pyscript_files():
        listed = json.loads(path.with_name(f"{path.name}.map").read_text("utf-8"))
        for source, content in zip(listed["sources"], listed["sourcesContent"], strict=True):
            matched = re.search(
                r"node_modules/((?:.+/)?node_modules/)?((?:@[^/]+/)?[^/]+)/", source
            )
            if matched is None:
                continue
            name = matched[2]
            folders[name] = NODE_MODULES / (matched[1] or "") / name
            installed = NODE_MODULES / source.partition("node_modules/")[2]
            equal = installed.is_file() and installed.read_text("utf-8") == content
            same[name] = same.get(name, True) and equal
    for name, folder in folders.items():
        if folder.is_dir():
            about = _package(folder)
            version = str(about["version"]) if same[name] else None
            yield Part(kind="npm", name=name, version=version, licenses=_ids(about))
        else:
            yield Part(kind="npm", name=name, version=None, licenses=())


def _package(folder: Path) -> dict[str, object]:
    about: dict[str, object] = json.loads((folder / "package.json").read_text("utf-8"))
    return about


def _ids(about: Mapping[str, object]) -> tuple[str]:
    """Return the licence of a package as an SPDX expression."""
    name = str(about["license"])
    return (RENAMED.get(name) or fixup_id(name) or name,)


def needed(requirements: Iterable[Requirement]) -> list[Part]:
    """Return the Python packages that requirements need, with the versions in `requirements.lock`.

    The result includes the packages that these packages need themselves.
    """
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    locked = {
        matched[1]: (matched[2], tuple(re.findall(r"--hash=sha256:(\w+)", matched[0])))
        for matched in re.finditer(r"^([\w.-]+)(?:\[.*\])?==(\S+)(?:.*\\\n)+", lock, re.MULTILINE)
    }
    edges: dict[str, set[str]] = {}
    waiting = list(requirements)
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        edges.setdefault(name, set())
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for other in _requirements(name, extra):
                edges[name].add(canonicalize_name(other.name))
                waiting.append(other)
    purls = {name: f"pkg:pypi/{name}@{locked[name][0]}" for name in edges}
    return [
        Part(
            kind="pypi",
            name=name,
            version=locked[name][0],
            licenses=_python_licenses(name),
            hashes=locked[name][1],
            parts=tuple(sorted(purls[other] for other in edges[name])),
        )
        for name in sorted(edges)
    ]


def _requirements(name: str, extra: str) -> Iterator[Requirement]:
    """Yield what an installed package needs on any platform; nothing if it is not installed."""
    try:
        listed = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:  # a package for another platform
        return
    for requirement in map(Requirement, listed):
        places = [{**e, **p, "extra": extra} for e in ENVIRONMENTS for p in PYTHONS]
        if requirement.marker is None or any(map(requirement.marker.evaluate, places)):
            yield requirement


def _python_licenses(name: str) -> tuple[str, ...]:
    try:
        about = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return ()
    for field in ("License-Expression", "License"):
        if field in about and is_expression(about[field]):
            return (about[field],)
    classifiers = about.get_all("Classifier", [])
    return tuple(
        classifier.split(" :: ")[-1]
        for classifier in classifiers
        if classifier.startswith("License ::")
    )


def _project(wheel: str) -> dict[str, Any]:
    text = (PROJECTS[wheel] / "pyproject.toml").read_text("utf-8")
    project: dict[str, Any] = tomllib.loads(text)["project"]
    return project


def requirements(wheel: str, *, with_extras: bool = False) -> list[Requirement]:
    """Return the Python packages that a wheel requires, except the project's own wheels.

    Args:
        wheel: the name of the wheel.
        with_extras: whether to include the packages that only the wheel's extras require.
    """
    project = _project(wheel)
    extras = project.get("optional-dependencies", {}).values() if with_extras else ()
    listed = (
        *project.get("dependencies", ()),
        *(requirement for extra in extras for requirement in extra),
    )
    return [
        requirement for requirement in map(Requirement, listed) if requirement.name not in PROJECTS
    ]


def _component(part: Part, kind: ComponentType = ComponentType.LIBRARY) -> Component:
    algorithm = HashAlgorithm.SHA_512 if part.kind == "npm" else HashAlgorithm.SHA_256
    hashes = [HashType(alg=algorithm, content=digest) for digest in part.hashes]
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION, url=XsUri(part.purl), hashes=hashes
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
        external_references=[files] if hashes else [],
        pedigree=Pedigree(notes=part.changes) if part.changes else None,
    )


def write(wheel: str, folder: Path = OUT) -> Path:
    """Write the SBOM of a wheel to `<folder>/<wheel>.cdx.json`, and return the path of the file."""
    project = _project(wheel)
    required = requirements(wheel)
    parts = contained(wheel) + needed(requirements(wheel, with_extras=True))
    always = {part.purl for part in (*contained(wheel), *needed(required))}
    inside = PYTHON_PACKAGES.get(wheel, ())
    direct = {
        *PACKAGES[wheel],
        *inside,
        *(canonicalize_name(requirement.name) for requirement in required),
    }
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
    for part in parts:
        if part.kind == "pypi" and part.purl not in always:
            components[part.purl].scope = ComponentScope.OPTIONAL
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
