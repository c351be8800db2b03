"""docs/mock-oss.md: its examples run, and its tables are complete.

The example for pytest in the README passes, too.
"""

import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from contract.mock_oss.tour_ali_oss import node_folder
from mock_oss import BUCKET, BucketSpec, MockOSS, Role, User, World
from mock_oss.cli import option_parser
from mock_oss.faults.plan import EFFECTS, Faults
from support.markdown import ROOT, prose

DOCUMENT = ROOT / "docs/mock-oss.md"
PAGE = DOCUMENT.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```([^\n]+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def blocks(kind: str) -> list[Any]:
    found = [text for language, text in BLOCKS if language == kind]
    return [pytest.param(text, id=f"{kind} {number}") for number, text in enumerate(found, 1)]


@pytest.mark.parametrize("text", blocks("python"))
def test_examples_run(text: str) -> None:
    exec(compile(text, str(DOCUMENT), "exec"), {})  # noqa: S102 - our own page


@pytest.mark.parametrize("text", blocks("js"))
def test_examples_for_node_run(text: str) -> None:
    with MockOSS() as oss:
        script = text.replace(":9000", f":{oss.port}")
        run = subprocess.run(  # noqa: S603 - our own page
            [which("node") or "node", "--input-type=module", "--eval", script],
            cwd=node_folder(),
            capture_output=True,
            text=True,
            check=False,
        )

        assert run.returncode == 0, run.stderr
        assert oss.bucket(BUCKET).objects["a.txt"].data == b"hello"


def test_examples_for_pytest_pass(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    texts = [text for language, text in BLOCKS if language == "python pytest"]
    texts.append(readme.partition("## Test your OSS code")[2].split("```")[1])
    for number, text in enumerate(texts):
        (tmp_path / f"test_{number}.py").write_text(text.removeprefix("python\n"))

    plugin = "mock_oss.pytest_plugin"  # the wheel loads it by its entry point, see test_wheels.py
    options = ("-q", "-p", "no:cacheprovider", "-p", plugin, "--rootdir", tmp_path, tmp_path)
    run = subprocess.run(  # noqa: S603 - our own page
        [sys.executable, "-m", "pytest", *options],
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout
    assert f"{len(texts)} passed" in run.stdout


@pytest.mark.parametrize("text", blocks("toml world"))
def test_example_worlds_load(text: str, tmp_path: Path) -> None:
    path = tmp_path / "world.toml"
    path.write_text(text)

    with MockOSS(world=World.load(path)) as oss:
        assert [bucket.name for bucket in oss.store.buckets.rows()] == ["photos"]


@pytest.mark.parametrize("kind", [World, User, Role, BucketSpec], ids=lambda kind: kind.__name__)
def test_the_page_tells_every_field_of_a_world(kind: type[Any]) -> None:
    heading = {World: "the world", User: "`[[users]]`", Role: "`[[roles]]`"}
    table = PAGE.partition(f"| {heading.get(kind, '`[[buckets]]`')} |")[2].partition("\n\n")[0]
    names = re.findall(r"^\| (`.+?`) \|", table, re.MULTILINE)
    told = re.findall(r"`(\w+)`", " ".join(names))

    assert sorted(told) == sorted(field.name for field in fields(kind))


@pytest.mark.parametrize("text", blocks("toml faults"))
def test_example_faults_load(text: str, tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(text)
    faults = Faults()

    faults.load(path)

    assert len(faults) == 2


def test_every_kind_of_block_is_looked_at() -> None:
    run_here = {"js", "python", "python pytest", "toml world", "toml faults"}
    read_in_test_samples = {"console"}

    assert {language for language, _ in BLOCKS} == run_here | read_in_test_samples


def test_options_on_the_page_are_options_of_the_program() -> None:
    options = set(re.findall(r"--[a-z-]+", option_parser().format_help()))

    assert set(re.findall(r"--[a-z][a-z-]+", prose(DOCUMENT))) <= options


def test_the_page_tells_every_effect() -> None:
    assert [effect for effect in EFFECTS if f"`{effect}`" not in PAGE] == []
