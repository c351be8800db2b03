"""The wheels contain the built page, or the build fails."""

import importlib.util
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


def run_hook(root: Path, version: str, **config: str) -> dict[str, Any]:
    """Run the hook for the wheel `ossferry`, and return the build data that it changes."""
    metadata: Any = SimpleNamespace(core=SimpleNamespace(raw_name="ossferry"))
    hook = load_hook().WebFilesHook(
        str(root), {"build": "build", **config}, None, metadata, str(root), "wheel"
    )
    build_data: dict[str, Any] = {"force_include": {}, "sbom_files": []}
    hook.initialize(version, build_data)
    return build_data


@pytest.mark.parametrize("missing", ["web/manifest.json", "sbom/ossferry.cdx.json"])
def test_a_wheel_without_the_page_or_the_sbom_is_not_built(tmp_path: Path, missing: str) -> None:
    for name in {"web/manifest.json", "sbom/ossferry.cdx.json"} - {missing}:
        path = tmp_path / "build" / name
        path.parent.mkdir(parents=True)
        path.write_text('{"files": {}, "separate": {"pyodide": []}}')

    with pytest.raises(FileNotFoundError, match=f"{missing}.*make wheel"):
        run_hook(tmp_path, "standard", contents="page")


def test_an_editable_install_needs_no_page(tmp_path: Path) -> None:
    assert run_hook(tmp_path, "editable") == {"force_include": {}, "sbom_files": []}
