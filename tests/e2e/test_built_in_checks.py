"""The built-in checks look at real files in the browser before their upload."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from e2e.conftest import operator_bucket
from e2e.pages.uploader import CHECKED_MS, UploaderPage
from ossferry.checks.bundling import make_bundle
from ossferry.cli.demo import Demo
from support.content import pdf, samples, workbook, zip_of
from support.expecting import expect

pytestmark = pytest.mark.e2e

StartDemo = Callable[..., tuple[Demo, UploaderPage]]
MakeFile = Callable[[str, bytes], Path]

VECTORS = Path(__file__).parents[1] / "vectors"
OPTIONS: dict[str, Any] = {
    "file_type": True,
    "table": {"columns": ["date", "amount"], "types": {"date": "date", "amount": "decimal"}},
    "json": True,
    "xlsx": {"sheets": ["Prices"], "columns": ["sku"]},
    "zip": True,
    "pdf": {"max_pages": 3},
    "secrets": True,
}
HEADER = b"date,sku,amount\n"
ROW = b"2026-01-31,7,3.50\n"
KEY_ID = b"LTAI" + b"5tBcDeFgHiJkLmNoPqRs"
WRONG_TYPE = b"2026-01-31,7,much\n"


def good_files() -> dict[str, bytes]:
    """Return files that all checks accept, by name."""
    return {
        "good.csv": HEADER + ROW * 3,
        "good.json": b'{"a": [1, 2]}',
        "good.jsonl": b'{"a": 1}\n{"a": 2}\n',
        "good.xlsx": workbook([["sku", "price"], [1, 2]], "Prices"),
        "good.zip": zip_of({"folder/a.txt": "words"}),
        "good.pdf": pdf(3),
        "owner.pdf": pdf(3, ""),
        "good.txt": b"words",
    }


def bad_files(folder: Path) -> dict[str, tuple[bytes, str]]:
    """Return files that a check refuses, each with the sentence in its row, by name."""
    return {
        "picture.pdf": (
            samples(folder)["png"],
            "The name ends in .pdf, but the content is a PNG image."
            " Choose the right file, or correct its name.",
        ),
        "ragged.csv": (
            HEADER + ROW * 5 + b"2026-01-31,7\n" + ROW,
            "Line 7: This row and the header do not have the same number of columns: 2 here,"
            " 3 in the header. Correct the row, and choose the file again.",
        ),
        "no-amount.csv": (
            b"date,sku\n2026-01-31,7\n",
            "Line 1: Columns missing in the header: amount. Add them, and choose the file again.",
        ),
        "wrong-type.csv": (
            HEADER + ROW + WRONG_TYPE,
            "Line 3: The value “much” in the column amount is not a number."
            " Correct it, and choose the file again.",
        ),
        "broken.json": (
            b'{\n"a": 1,\n"b": 2,\n}',
            "Line 4: This is not valid JSON: “}” must not be here."
            " Correct the file, or export it again.",
        ),
        "broken.jsonl": (
            b'{"a": 1}\n{"a":\n{"a": 3}\n',
            "Line 2: Each line must be one complete JSON value."
            " Correct the line, or export the file again.",
        ),
        "no-sheet.xlsx": (
            workbook([["sku"]], "Costs"),
            "Sheets missing in the workbook: Prices. Add them, and choose the file again.",
        ),
        "bomb.zip": (
            zip_of({"zeros.bin": bytes(20_000_000)}),
            "the limit is 200 times. Such a file can fill a disk, so it is not accepted.",
        ),
        "outside.zip": (
            zip_of({"../../passwd": "root"}),
            "The file “../../passwd” in the archive would be unpacked outside the target folder."
            " Create the archive with simple relative names.",
        ),
        "encrypted.zip": (
            (VECTORS / "archives" / "encrypted.zip").read_bytes(),
            "The file “plans.txt” in the archive is encrypted."
            " Create the archive without a password, and choose the new file.",
        ),
        "encrypted.pdf": (
            pdf(1, "password"),
            "The PDF file is protected with a password."
            " Save it without a password, and choose it again.",
        ),
        "long.pdf": (
            pdf(4),
            "The PDF file has too many pages; the limit is 3. Divide it into several files.",
        ),
    }


MODEL = """
from pydantic import BaseModel, PositiveInt


class Sale(BaseModel):
    sku: str
    amount: PositiveInt
"""


@pytest.mark.slow
def test_each_file_is_checked_by_what_it_is(
    start_demo: StartDemo, make_file: MakeFile, page: Page, tmp_path: Path
) -> None:
    demo, uploader = start_demo(checks_built_in=OPTIONS)
    uploader.open()
    uploader.expect_ready()
    good, bad = good_files(), bad_files(tmp_path)
    paths = [make_file(name, content) for name, content in good.items()]
    paths += [make_file(name, content) for name, (content, _) in bad.items()]
    paths.append(make_file("config.txt", b"[oss]\nid = " + KEY_ID))

    uploader.choose(*paths)

    for name in good:
        uploader.row(name).expect_state("done", timeout_ms=CHECKED_MS)
    for name, (_, sentence) in bad.items():
        row = uploader.row(name)
        row.expect_state("failed", timeout_ms=CHECKED_MS)
        row.expect_says(sentence)
        expect(row.retry_button).to_have_count(0)
    asked = uploader.row("config.txt")
    asked.expect_state("paused", timeout_ms=CHECKED_MS)
    asked.expect_says(
        "Line 2: The file seems to contain secret keys (Alibaba Cloud AccessKey; 1 in total)."
        " Upload it anyway?"
    )
    bucket = operator_bucket(demo)
    assert {name: bucket.get_object(uploader.row(name).key).read() for name in good} == good
    assert len(bucket.list_objects().object_list) == len(good)
    asked.locator.get_by_role("button", name="Upload anyway").click()
    asked.expect_state("done")
    expect_claims(page, uploader)

    page.locator("#language").select_option("zh-CN")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    uploader.choose(make_file("chinese.csv", HEADER + WRONG_TYPE))
    row = uploader.row("chinese.csv")
    row.expect_state("failed")
    row.expect_says("第 2 行：列“amount”中的值“much”不是数字。请更正后重新选择文件。")  # noqa: RUF001


def expect_claims(page: Page, uploader: UploaderPage) -> None:
    """Check that *My uploads* shows what ran."""
    page.locator("#more").get_by_role("button", name="My uploads").click()
    stored = uploader.dialog("my-uploads").get_by_test_id("stored")
    asked = re.compile("secrets Asked you first.*Alibaba Cloud AccessKey")
    ran: dict[str, list[str | re.Pattern[str]]] = {
        "good.pdf": ["file_type Passed", "pdf Passed", "secrets Passed"],
        "config.txt": ["file_type Passed", asked],
    }
    for name, checks in ran.items():
        checked = stored.filter(has_text=name).get_by_test_id("checks")
        checked.locator("summary").click()
        expect(checked.get_by_role("listitem")).to_have_text(checks)
    page.keyboard.press("Escape")


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
    uploader.open()
    uploader.expect_ready()

    header = b"sku,amount\n"
    uploader.choose(make_file("good.csv", header + b"a,1\n" * 3))
    uploader.choose(make_file("bad.csv", header + b"a,1\n" * 3 + b"b,-2\n"))

    uploader.row("good.csv").expect_state("done", timeout_ms=CHECKED_MS)
    bad = uploader.row("bad.csv")
    bad.expect_state("failed", timeout_ms=CHECKED_MS)
    bad.expect_says("Line 5: The column amount has a wrong value: Input should be greater than 0.")
