"""The files to try the checks of the demo: each does what the README beside it says."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ossferry.cli.demo import WITH_CHECKS
from ossferry.cli.samples import checks
from ossferry.cli.samples.files import README, SAMPLES, sample_folder
from ossferry_checks import CheckedFile
from ossferry_checks.builtin.selection import built_in_checks, read_options
from ossferry_checks.registry import checks_of
from ossferry_checks.runner import Verdict, run

LINE = re.compile(r"(?P<name>\S+): (?P<outcome>uploaded|changed|asks|refused)\. (?P<why>.+\.)")
NEEDS_BROWSER = ("IMG_0417.heic", "panorama.png")  # e2e/test_demo_checks.py


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with sample_folder(tmp_path_factory.mktemp("data")) as made:
        yield made


def promises(folder: Path) -> dict[str, re.Match[str]]:
    """Return what the README says, by the name of the file."""
    text = (folder / README).read_text("utf-8")
    return {found["name"]: found for found in LINE.finditer(text)}


def verdict(path: Path, tmp_path: Path) -> Verdict:
    """Run the checks of the demo over a file."""
    built_in = built_in_checks(read_options(WITH_CHECKS["checks_built_in"]))
    return asyncio.run(run(built_in.around(checks_of(checks)), CheckedFile(path, folder=tmp_path)))


def outcome(found: Verdict) -> str:
    assert not (found.refusal and found.refusal.is_error), found.refusal
    if found.refusal:
        return "refused"
    return "asks" if found.questions else "changed" if found.is_changed else "uploaded"


def test_the_readme_names_each_file(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}

    assert promises(folder).keys() | {README} == names


@pytest.mark.parametrize("name", [each.name for each in SAMPLES])
def test_a_file_does_what_the_readme_says(folder: Path, tmp_path: Path, name: str) -> None:
    promise = promises(folder)[name]

    found = verdict(folder / name, tmp_path)

    if name in NEEDS_BROWSER:
        assert outcome(found) == "uploaded"  # here, the photo cannot be changed
        return
    assert outcome(found) == promise["outcome"]
    said = [each for each in (found.refusal, *found.questions) if each]
    lines = [int(each) for each in re.findall(r"[Ll]ine (\d+)", promise["why"])]
    assert [each.line for each in said if each.line] == lines
    assert re.findall(r"new name is (\S+)\.", promise["why"]) in ([found.name], [])


def test_the_readme_passes_the_checks(folder: Path, tmp_path: Path) -> None:
    assert outcome(verdict(folder / README, tmp_path)) == "uploaded"


def test_the_samples_show_each_outcome_and_each_check(folder: Path, tmp_path: Path) -> None:
    found = [verdict(folder / each.name, tmp_path) for each in SAMPLES]
    telling = {ran.check for each in found for ran in each.ran if ran.outcome != "passed"}

    assert {each.outcome for each in SAMPLES} == {"uploaded", "changed", "asks", "refused"}
    assert telling == {
        *("file_type", "table", "json", "zip", "pdf", "secrets", "photo_metadata"),
        *("has_our_columns", "hash_for_audit", "compress_logs"),
    }


def test_a_temporary_folder_is_removed() -> None:
    with sample_folder(None) as made:
        assert (made / README).is_file()

    assert not made.parent.exists()


def test_the_files_are_written_again(tmp_path: Path) -> None:
    with sample_folder(tmp_path) as made:
        (made / "orders.csv").write_text("changed by a person")
    with sample_folder(tmp_path) as made:
        content = (made / "orders.csv").read_text()

    assert made == tmp_path / "samples"
    assert content.startswith("date,sku,amount\n")
