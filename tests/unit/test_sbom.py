"""The licences and the SBOM name the code that the wheels contain, no less and no more."""

import base64
import json
import re
import tomllib
from pathlib import Path

import pytest

import build
import library
import sbom

ROOT = Path(__file__).parents[2]
WHEELS = list(sbom.PROJECTS)


def npm_package(path: str) -> str:
    """Return the npm package that contains a path below `node_modules`; empty if none does."""
    found = re.findall(r"node_modules/((?:@[^/]+/)?[^/.][^/]*)/", path)
    return found[-1] if found else ""


@pytest.fixture(scope="module")
def really_shipped() -> dict[str, set[str]]:
    """The packages whose code is in each wheel: the npm packages of the files that the build reads,
    those whose code is in the page's PyScript, and the Python packages that the build packs.
    """
    read: list[Path] = []

    class Recording(type(build.NODE_MODULES)):  # type: ignore[misc] # the class of this system's paths
        def read_bytes(self) -> bytes:
            read.append(Path(self))
            content: bytes = super().read_bytes()
            return content

    packed: list[str] = []
    installed = build.installed

    def recording(package: str) -> Path:
        packed.append(package)
        return installed(package)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "installed", recording)
        patch.setattr(build, "NODE_MODULES", Recording(build.NODE_MODULES))
        build.groups()
    shipped: dict[str, set[str]] = {wheel: set() for wheel in WHEELS}
    for path in read:
        package = npm_package(path.as_posix())
        wheel = "ossferry-pyodide" if package in ("libheif-js", "pyodide") else "ossferry"
        shipped[wheel].add(package)
    shipped["ossferry"] |= {npm_package(f"node_modules/{each}") for each in build.pyscript()[1]}
    storage = "".join(path.read_text("utf-8") for path in build.WEB.glob("storage/*.js"))
    bundled = set(re.findall(r'from "([\w-]+)"', storage))  # esbuild reads these itself
    shipped["ossferry"] |= bundled
    shipped["ossferry-uploader"] = bundled | {npm_package(library.SHA256.as_posix())}
    shipped["ossferry-pyodide"] |= {each.replace("_", "-") for each in packed}
    return {wheel: names - {""} for wheel, names in shipped.items()}


def license_texts(wheel: str) -> set[str]:
    folder = sbom.PROJECTS[wheel] / "licenses"
    return {path.relative_to(folder).as_posix()[:-4] for path in folder.rglob("*.txt")}


def embedded(wheel: str) -> set[str]:
    tables = tomllib.loads((ROOT / "web" / "embedded.toml").read_text("utf-8"))
    packages = tables.keys() & set(sbom.PACKAGES[wheel])
    return {name for package in packages for name in tables[package]}


@pytest.mark.parametrize("wheel", WHEELS)
def test_each_package_in_a_wheel_has_its_licence_text_and_no_other(
    wheel: str, really_shipped: dict[str, set[str]]
) -> None:
    assert license_texts(wheel) == really_shipped[wheel] | embedded(wheel)
    assert {part.name for part in sbom.contained(wheel)} == license_texts(wheel)


def test_pyscript_contains_no_code_without_a_package() -> None:
    sources = build.pyscript()[1]

    assert len(sources) > 20
    assert [source for source in sources if re.search("3rd.party/|vendor", source)] == []


@pytest.mark.parametrize("wheel", WHEELS)
def test_the_licence_of_a_wheel_is_that_of_its_parts(wheel: str) -> None:
    project = tomllib.loads((sbom.PROJECTS[wheel] / "pyproject.toml").read_text("utf-8"))["project"]
    parts = {
        one
        for part in sbom.contained(wheel)
        for all_ in part.licenses
        for one in all_.split(" AND ")
    }

    assert set(project["license"].split(" AND ")) == parts | {"Apache-2.0"}


@pytest.mark.parametrize("wheel", WHEELS)
def test_the_notice_names_every_part(wheel: str) -> None:
    notice = (sbom.PROJECTS[wheel] / "NOTICE").read_text("utf-8").lower()
    other = {"hacl-star": "hacl*", "libcxx": "libc++", "xz": "xz utils", "zstd": "zstandard"}

    for part in sbom.contained(wheel):
        assert other.get(part.name, part.name) in notice, part.name


@pytest.mark.parametrize("wheel", WHEELS)
def test_the_sbom_is_valid_and_the_same_each_time(wheel: str, tmp_path: Path) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator  # takes seconds to import

    first, second = (sbom.write(wheel, tmp_path / name).read_bytes() for name in ("a", "b"))

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(first.decode()) is None
    assert first == second


def test_the_sbom_has_the_locked_version_the_hash_and_our_changes(tmp_path: Path) -> None:
    npm = json.loads((ROOT / "web" / "package-lock.json").read_text())["packages"]
    version = npm[f"node_modules/{sbom.MICROPYTHON}"]["version"]
    document = json.loads(sbom.write("ossferry", tmp_path).read_text("utf-8"))
    components = {each["purl"]: each for each in document["components"]}

    changed = components[f"pkg:npm/%40micropython/micropython-webassembly-pyscript@{version}"]
    assert len(changed["externalReferences"][0]["hashes"][0]["content"]) == 128
    assert "web/interpreter.py" in changed["pedigree"]["notes"]
    assert not any(purl.startswith("pkg:pypi/") for purl in components)


def test_a_bundled_package_has_the_installed_version() -> None:
    versions = {part.name: part.version for part in sbom.contained("ossferry")}

    installed = sbom._package(build.NODE_MODULES / "basic-devtools")["version"]
    assert versions["basic-devtools"] == installed


def test_the_versions_inside_pyodide_are_those_of_its_files() -> None:
    folder = build.NODE_MODULES / "pyodide"
    wasm = (folder / "pyodide.asm.wasm").read_bytes()
    platform = json.loads((folder / "pyodide-lock.json").read_text("utf-8"))["info"]["platform"]
    versions = {part.name: part.version for part in sbom.contained("ossferry-pyodide")}

    assert platform == "emscripten_" + str(versions["emscripten"]).replace(".", "_")
    for name in ("bzip2", "cpython", "sqlite", "xz", "zlib", "zstd"):
        assert str(versions[name]).encode() in wasm, name


def test_the_versions_inside_libheif_are_those_of_its_file() -> None:
    text = (build.NODE_MODULES / "libheif-js/libheif-wasm/libheif-bundle.mjs").read_text("utf-8")
    wasm = max(re.findall(r'"([A-Za-z0-9+/=]+)"', text), key=len)
    versions = {part.name: part.version for part in sbom.contained("ossferry-pyodide")}

    for name in ("libde265", "libheif"):
        assert f"\0{versions[name]}\0".encode() in base64.b64decode(wasm), name


def test_all_wheels_have_the_same_version() -> None:
    main, *others = (
        tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        for folder in sbom.PROJECTS.values()
    )

    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    (newest, *_) = re.findall(r"^## (\S+)", changes, re.MULTILINE)

    assert {each["version"] for each in (main, *others)} == {newest}
    assert main["optional-dependencies"]["pyodide"] == [f"ossferry-pyodide=={main['version']}"]
    assert main["optional-dependencies"]["demo"] == [
        f"{name}=={main['version']}" for name in ("mock-oss", "ossferry-pyodide")
    ]
