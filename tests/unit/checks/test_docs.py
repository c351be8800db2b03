"""The Python code of the pages about checks runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ossferry_checks import CheckedFile, Reject
from ossferry_checks.builtin.selection import read_options
from ossferry_checks.builtin.table import table_check
from ossferry_checks.loading import load_module
from support.markdown import ROOT, blocks


def python(page: str) -> list[str]:
    """Return the blocks of Python of a page."""
    return [each.text for each in blocks(ROOT / page) if each.language == "python"]


@pytest.mark.parametrize("document", ["README.md", "docs/checks.md"])
def test_the_test_of_the_docs_passes_with_the_check_of_each_page(
    document: str, tmp_path: Path
) -> None:
    (check,) = [each for each in python(document) if "@check(" in each]
    (test,) = [each for each in python("docs/checks.md") if "def test_" in each]
    (tmp_path / "checks.py").write_text(check)
    (tmp_path / "test_checks.py").write_text(test)

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_checks.py"]
    ran = subprocess.run(  # noqa: S603
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": f"{ROOT / 'server'}:.", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr


def test_the_table_of_the_page_about_repairs_is_refused_and_its_repair_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, replay = python("docs/repair.md")
    (settings,) = [each.text for each in blocks(ROOT / "docs/repair.md") if each.language == "ini"]
    checks = load_module(model)
    monkeypatch.setitem(sys.modules, "checks", checks)
    monkeypatch.chdir(tmp_path)
    options = read_options(json.loads(settings.partition("OSSFERRY_CHECKS_BUILT_IN=")[2])).table
    assert options is not None
    check = table_check(options, checks.Order)

    exec(compile(replay, "repair.md", "exec"), {})  # noqa: S102 - it asserts the result

    with pytest.raises(Reject) as refused:
        check.function(CheckedFile(Path("orders.csv")))
    assert refused.value.repair
    assert check.function(CheckedFile(Path("clean.csv"))) is None


@pytest.mark.parametrize("code", python("docs/built-in-checks.md"), ids=["tables", "photos"])
def test_the_code_of_the_built_in_checks_runs(code: str) -> None:
    names = {"__name__": "__main__"}

    exec(compile(code, "built-in-checks.md", "exec"), names)  # noqa: S102 - it asserts the results
