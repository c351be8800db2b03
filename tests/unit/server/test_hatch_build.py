"""The wheel contains the built page, or the build fails."""

import importlib.util
from pathlib import Path
from types import ModuleType
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


def run_hook(root: Path, version: str) -> dict[str, str]:
    hook = load_hook().WebFilesHook(str(root), {}, None, None, str(root), "wheel")
    build_data: dict[str, Any] = {"force_include": {}}
    hook.initialize(version, build_data)
    included: dict[str, str] = build_data["force_include"]
    return included


def test_the_page_becomes_data_of_the_package(tmp_path: Path) -> None:
    web = tmp_path / "build" / "web"
    web.mkdir(parents=True)
    (web / "manifest.json").write_text("{}")

    assert run_hook(tmp_path, "standard") == {str(web): "ossferry/web"}


def test_a_wheel_without_the_page_is_not_built(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="make build"):
        run_hook(tmp_path, "standard")


def test_an_editable_install_needs_no_page(tmp_path: Path) -> None:
    assert run_hook(tmp_path, "editable") == {}
