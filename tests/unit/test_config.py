"""`playwright.config.toml`: unknown keys are refused, and each known key has an effect."""

import copy
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from support.config import ROOT, Config, load

STORIES = """
import pytest

def test_plain(browser_name, runtime): ...

@pytest.mark.core
@pytest.mark.pyodide
def test_core(browser_name, runtime): ...

@pytest.mark.only_browser("chromium")
def test_alone(browser_name): ...

@pytest.mark.core
@pytest.mark.skip_browser("webkit")
def test_not(browser_name): ...
"""
MARKS = """
def pytest_collection_modifyitems(items):
    for item in items:
        print("slow" if item.get_closest_marker("slow") else "quick", item.name)
"""
"""A plugin that says which stories are slow."""

WANTED = {
    "quick": "plain[micropython-chromium] core[micropython-chromium] core[micropython-firefox]"
    " core[micropython-webkit] core[pyodide-chromium] alone[chromium] not[chromium] not[firefox]",
    "slow": "plain[micropython-firefox] plain[micropython-webkit] plain[pyodide-chromium]"
    " plain[pyodide-firefox] plain[pyodide-webkit] core[pyodide-firefox] core[pyodide-webkit]",
}
DOCUMENT = tomllib.loads((ROOT / "playwright.config.toml").read_text("utf-8"))


@pytest.mark.parametrize("table", ["", "use", "artefacts", "projects"])
def test_an_unknown_key_is_refused(table: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    target: Any = document[table] if table else document
    target = target[0] if table == "projects" else target
    target["colour"] = "blue"

    with pytest.raises(ValidationError, match="colour"):
        Config.model_validate(document)


@pytest.mark.parametrize("key", ["headless", "viewport", "locale", "args"])
def test_a_missing_key_is_refused(key: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    del document["use"][key]

    with pytest.raises(ValidationError, match=key):
        Config.model_validate(document)


@pytest.mark.only_browser("chromium")
def test_the_browser_is_started_as_the_file_says(
    browser_type_launch_args: dict[str, Any], browser_context_args: dict[str, Any]
) -> None:
    assert browser_type_launch_args["headless"] == DOCUMENT["use"]["headless"]
    assert browser_type_launch_args["args"] == DOCUMENT["use"]["args"]
    assert browser_context_args["viewport"] == DOCUMENT["use"]["viewport"]
    assert browser_context_args["locale"] == DOCUMENT["use"]["locale"]


def test_artefacts_are_kept_as_the_file_says(pytestconfig: pytest.Config) -> None:
    options = pytestconfig.option

    assert options.screenshot == DOCUMENT["artefacts"]["screenshot"]
    assert options.tracing == DOCUMENT["artefacts"]["trace"]
    assert options.output == DOCUMENT["artefacts"]["dir"]


def test_stories_are_collected_where_the_file_says(pytestconfig: pytest.Config) -> None:
    assert DOCUMENT["test_dir"] in pytestconfig.getini("testpaths")


def test_waits_end_when_the_file_says() -> None:
    from playwright.sync_api import expect

    assert expect._timeout == DOCUMENT["timeout_ms"]


def test_stories_run_on_the_interpreters_of_the_file() -> None:
    assert list(load().runtimes) == DOCUMENT["runtimes"] == ["micropython", "pyodide"]


def test_each_engine_runs_the_stories_that_the_file_gives_it(tmp_path: Path) -> None:
    (tmp_path / "test_stories.py").write_text(STORIES)
    (tmp_path / "marks.py").write_text(MARKS)
    options = ["-p", "conftest", "-p", "marks", "-p", "no:schemathesis", "--collect-only", "-q"]
    options += ["--rootdir", str(tmp_path)]
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", *options],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'server'}"},
        capture_output=True,
        text=True,
    )

    for kind, wanted in WANTED.items():
        found = re.findall(rf"^{kind} test_(\S+)", run.stdout, re.MULTILINE)
        assert sorted(found) == sorted(wanted.split()), run.stdout + run.stderr


def test_an_engine_runs_all_stories_or_the_core() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["projects"][1]["stories"] = "some"

    with pytest.raises(ValidationError, match="some"):
        Config.model_validate(document)
