"""Python in the README runs unchanged; links in the docs have existing targets."""

import re
from pathlib import Path

import oss2
import pytest

from mock_oss.world.model import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ossferry.cli.demo import Demo

ROOT = Path(__file__).parents[2]


def test_the_readme_reads_back_what_arrived(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.+?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    endpoint = f"http://127.0.0.1:{demo.oss.port}"
    auth = oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    bucket = oss2.Bucket(auth, endpoint, demo.bucket, region="cn-hangzhou")
    bucket.put_object("uploads/alice-1/readme.txt", b"12345")

    for block in blocks:
        assert "http://127.0.0.1:9000" in block
        exec(compile(block.replace("http://127.0.0.1:9000", endpoint), "README.md", "exec"), {})  # noqa: S102

    assert "5 uploads/alice-1/readme.txt" in capsys.readouterr().out


def test_the_readme_names_only_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    pages = (ROOT / "README.md").read_text("utf-8") + (ROOT / "CONTRIBUTING.md").read_text("utf-8")

    for target in set(re.findall(r"[`$] ?make ([a-z]+)", pages)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_invariants_name_tests_that_exist() -> None:
    tests = ROOT / "tests"
    known = " ".join(f"{path.stem} {path.read_text('utf-8')}" for path in tests.rglob("test_*.py"))
    named = set(re.findall(r"test_\w+", (ROOT / "docs/invariants.md").read_text("utf-8")))

    assert named
    assert [name for name in sorted(named) if not re.search(rf"\b{name}\b", known)] == []
