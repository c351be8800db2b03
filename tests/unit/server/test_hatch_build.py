"""The wheels contain the built page, or the build fails."""

import importlib.util
import json
import tomllib
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


def load_hook() -> ModuleType:
    """Load the module from its file, as hatchling does."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_hook(
    root: Path,
    version: str = "standard",
    name: str = "ossferry",
    build: str = "build",
    **config: str,
) -> dict[str, Any]:
    """Run the hook, and return the build data that it changes."""
    metadata: Any = SimpleNamespace(core=SimpleNamespace(raw_name=name))
    hook = load_hook().WebFilesHook(
        str(root), {"build": build, **config}, None, metadata, str(root), "wheel"
    )
    build_data: dict[str, Any] = {"force_include": {}, "sbom_files": []}
    hook.initialize(version, build_data)
    return build_data


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A built page with two folders that belong into another wheel, and the SBOMs."""
    web = tmp_path / "build" / "web"
    for folder in ("app-1a2b", "pyodide-3c4d", "heic-5e6f"):
        (web / "assets" / folder).mkdir(parents=True)
    separate = {"pyodide": ["/assets/pyodide-3c4d", "/assets/heic-5e6f"]}
    manifest = {"files": {}, "separate": separate}
    (web / "manifest.json").write_text(json.dumps(manifest))
    (web / "index.pyodide.html.br").touch()
    (tmp_path / "build" / "sbom").mkdir()
    for name in ("ossferry", "ossferry-pyodide", "mock-oss"):
        (tmp_path / "build" / "sbom" / f"{name}.cdx.json").touch()
    return web


def test_the_project_names_the_folder_of_built_files() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    hook = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]

    assert (hook["build"], hook["contents"]) == ("build", "page")


def test_the_page_becomes_data_of_the_package(tmp_path: Path, web: Path) -> None:
    assert run_hook(tmp_path, contents="page") == {
        "force_include": {
            str(web / "manifest.json"): "ossferry/web/manifest.json",
            str(web / "index.pyodide.html.br"): "ossferry/web/index.pyodide.html.br",
            str(web / "assets" / "app-1a2b"): "ossferry/web/assets/app-1a2b",
        },
        "sbom_files": [str(tmp_path / "build" / "sbom" / "ossferry.cdx.json")],
    }


def test_pyodides_files_become_a_wheel_of_their_own(tmp_path: Path, web: Path) -> None:
    project = tmp_path / "wheels" / "pyodide"
    project.mkdir(parents=True)
    data = run_hook(project, name="ossferry-pyodide", build="../../build", contents="pyodide")

    assert data["force_include"] == {
        str(web / "assets" / folder): f"ossferry_pyodide/assets/{folder}"
        for folder in ("pyodide-3c4d", "heic-5e6f")
    }
    assert data["sbom_files"] == [str(tmp_path / "build" / "sbom" / "ossferry-pyodide.cdx.json")]


def test_the_mocks_wheel_has_an_sbom_and_no_file_of_the_page(tmp_path: Path) -> None:
    sbom = tmp_path / "build" / "sbom" / "mock-oss.cdx.json"
    sbom.parent.mkdir(parents=True)
    sbom.touch()

    data = run_hook(tmp_path, name="mock-oss")

    assert data == {"force_include": {}, "sbom_files": [str(sbom)]}


@pytest.mark.parametrize("missing", ["web/manifest.json", "sbom/ossferry.cdx.json"])
def test_a_wheel_without_the_page_or_the_sbom_is_not_built(
    tmp_path: Path, web: Path, missing: str
) -> None:
    (tmp_path / "build" / missing).unlink()

    with pytest.raises(FileNotFoundError, match=f"{missing}.*make wheel"):
        run_hook(tmp_path, contents="page")


def test_an_editable_install_needs_no_page(tmp_path: Path) -> None:
    assert run_hook(tmp_path, "editable") == {"force_include": {}, "sbom_files": []}
