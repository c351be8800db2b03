"""The README and the docs: figures and targets of make exist, and docs/demo.md runs.

Other tests run the README's code: `test_embedding.py` for applications, and `test_docs.py` of the
mock for pytest.
"""

import re
from pathlib import Path

import oss2
import pytest

from bench.quick_start_bench import BUILD, UVX
from mock_oss.world.model import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ossferry.cli.demo import Demo
from support.functions import functions

ROOT = Path(__file__).parents[2]


def test_the_page_of_the_demo_reads_back_what_arrived(
    demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"```python\n(.+?)```", (ROOT / "docs/demo.md").read_text(), re.DOTALL)
    endpoint = f"http://127.0.0.1:{demo.oss.port}"
    auth = oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    bucket = oss2.Bucket(auth, endpoint, demo.bucket, region="cn-hangzhou")
    bucket.put_object("uploads/alice-1/readme.txt", b"12345")

    assert "http://127.0.0.1:9000" in code
    exec(compile(code.replace("http://127.0.0.1:9000", endpoint), "demo.md", "exec"), {})  # noqa: S102

    assert "5 uploads/alice-1/readme.txt" in capsys.readouterr().out


def test_the_page_of_the_demo_has_all_variables_of_make() -> None:
    page, makefile = (ROOT / "docs/demo.md").read_text(), (ROOT / "Makefile").read_text("utf-8")
    ((recipe, _),) = re.findall(r"^demo: build\n((\t.*\n)+)", makefile, re.MULTILINE)
    rows = re.findall(r"^\| `(--[a-z-]+)[^|]* \| `([A-Z_]+)=", page, re.MULTILINE)
    # $(VARIABLE) in the recipe, after the option that gets its value
    passed = re.findall(r'(--[a-z-]+) "?\$\(([A-Z_]+)\)', recipe)
    passed += [each[::-1] for each in re.findall(r"\$\(if \$\((\w+)\),(--[a-z-]+)\)", recipe)]

    assert sorted(rows) == sorted(passed)


def test_the_readme_has_the_tag_of_the_page_about_embedding() -> None:
    (tag,) = re.findall(r"```html\n(.+?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)

    assert f"```html\n{tag}```" in (ROOT / "docs/embedding.md").read_text("utf-8")


def comparison() -> list[str]:
    """Return the rows of the README's comparison."""
    section = (ROOT / "README.md").read_text("utf-8").partition("## Comparison")[2]
    return re.findall(r"^\| (?!\|).*\|$", section.partition("\n## ")[0], re.MULTILINE)


def test_every_row_of_the_comparison_has_a_source_and_no_empty_cell() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    sources = set(re.findall(r"^\[([a-z0-9-]+)\]: https://github\.com/", readme, re.MULTILINE))
    named = set(re.findall(r"\]\[([a-z0-9-]+)\]", readme))

    assert len(comparison()) >= 14
    assert [row for row in comparison() if "](" not in row and "][" not in row] == []
    assert [row for row in comparison() if "| |" in row] == []
    assert named == sources


@pytest.mark.parametrize("row", [row for row in comparison() if " runs](" in row])
def test_measured_figures_of_the_comparison_are_in_the_page_about_performance(row: str) -> None:
    page = (ROOT / "docs/performance.md").read_text("utf-8").splitlines()
    _, name, *cells, _ = row.split("|")
    figures = re.findall(r"(\d[\d.,]*\d)(?: (B|ms|requests/s|%))?", " ".join(cells))

    def is_in_page(figure: str, unit: str) -> bool:
        number = re.compile(rf"(?<![\d.,]){figure}(?!\d|[.,]\d)")
        return any(unit in line and number.search(line) for line in page)

    assert "(docs/performance.md#" in name
    assert len(figures) >= 2
    assert [each for each in figures if not is_in_page(*each)] == []


def test_the_readme_names_only_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    pages = (ROOT / "README.md").read_text("utf-8") + (ROOT / "CONTRIBUTING.md").read_text("utf-8")

    for target in set(re.findall(r"[`$] ?make ([a-z-]+)", pages)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_invariants_name_tests_that_exist() -> None:
    known = functions() | {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    named = set(re.findall(r"test_\w+", (ROOT / "docs/invariants.md").read_text("utf-8")))

    assert named
    assert sorted(named - known) == []


def test_the_bench_of_the_quick_start_measures_the_command_of_the_readme() -> None:
    (build, uvx) = re.findall(
        r"^\$ (make wheel) && (uvx .+)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE
    )[0]

    assert build in BUILD
    assert uvx == UVX
