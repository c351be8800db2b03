"""A model of the operator checks tables in the browser; `test_demo_checks` has other checks."""

from pathlib import Path

import pytest

from e2e.conftest import MakeFile, StartDemo
from e2e.pages.uploader import CHECKED_MS
from ossferry.checks.bundling import make_bundle

pytestmark = pytest.mark.e2e


MODEL = """
from pydantic import BaseModel, PositiveInt


class Sale(BaseModel):
    sku: str
    amount: PositiveInt
"""


@pytest.mark.slow
def test_rows_are_checked_by_a_pydantic_model_of_the_operator(
    start_demo: StartDemo, make_file: MakeFile, tmp_path: Path
) -> None:
    """The command of the operator downloads pydantic for browsers."""
    checks = make_file("checks.py", MODEL.encode())
    packages = ("pydantic>=2.12",)
    make_bundle(packages, tmp_path / "wheels")
    _, uploader = start_demo(
        checks=checks,
        checks_packages=packages,
        checks_dir=tmp_path / "wheels",
        checks_built_in={"table": {"model": "Sale"}},
    )
    uploader.start()

    header = b"sku,amount\n"
    uploader.choose(make_file("good.csv", header + b"a,1\n" * 3))
    uploader.choose(make_file("bad.csv", header + b"a,1\n" * 3 + b"b,-2\n"))

    uploader.row("good.csv").expect_state("done", timeout_ms=CHECKED_MS)
    bad = uploader.row("bad.csv")
    bad.expect_state("failed", timeout_ms=CHECKED_MS)
    bad.expect_says(
        "Line 5: The column amount has a wrong value: The value must be greater than 0."
    )
