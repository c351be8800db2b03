"""The operator's `checks.py` is read without running it; a mistake is named with its line."""

from pathlib import Path

import pytest

from ossferry.checks.source import Source, integrity_of, read_source
from ossferry.errors import SettingsError

IMPORT = "from ossferry_checks import check\n"


def read(tmp_path: Path, text: str | bytes) -> Source:
    path = tmp_path / "checks.py"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_source(path)


def test_names_patterns_and_limits_are_read_in_order(tmp_path: Path) -> None:
    source = read(
        tmp_path,
        IMPORT + "import csv\nfrom os import path\n"
        'raise RuntimeError("the server does not run this")\n'
        "@check('*.csv', '*.' 'tsv', max_seconds=2.5, seconds_per_mb=1, replaces=True)\n"
        "def columns(file): ...\n"
        "@check()\nasync def everything(file, strict=True): ...\n"
        "def helper(a, b): ...\n"
        "class Row: ...\n",
    )

    first, second = source.checks
    assert (first.name, first.patterns) == ("columns", ("*.csv", "*.tsv"))
    assert (first.replaces, second.replaces) == (("*.csv", "*.tsv"), ())
    assert (first.max_seconds, first.seconds_per_mb, first.line) == (2.5, 1.0, 6)
    assert (second.name, second.patterns, second.max_seconds) == ("everything", ("*",), 60.0)
    assert source.imports == {"ossferry_checks", "csv", "os"}
    assert source.classes == {"Row"}
    assert source.version == integrity_of(source.content)


@pytest.mark.parametrize(
    ("imported", "decorator"),
    [
        ("from ossferry_checks import check", "check"),
        ("from ossferry_checks import Reject, check as looks_at", "looks_at"),
        ("from ossferry_checks import *", "check"),
        ("from ossferry_checks.registry import check", "check"),
        ("import ossferry_checks", "ossferry_checks.check"),
        ("import ossferry_checks as oc", "oc.check"),
        ("import ossferry_checks.registry", "ossferry_checks.registry.check"),
        ("from ossferry_checks import registry as r", "r.check"),
        ("try:\n    from ossferry_checks import check\nexcept ImportError: pass", "check"),
    ],
)
def test_the_decorator_is_known_under_any_name(
    tmp_path: Path, imported: str, decorator: str
) -> None:
    source = read(tmp_path, f"{imported}\n@{decorator}('*.csv')\ndef one(file): ...\n")

    assert [each.name for each in source.checks] == ["one"]


def test_a_decorator_of_another_package_is_none(tmp_path: Path) -> None:
    text = "from other import check\n@check('*.csv')\ndef one(file): ...\n"

    assert read(tmp_path, text).checks == ()


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("def (:\n", 2, "invalid syntax"),
        ("P = '*'\n@check(P)\ndef one(file): ...", 3, r'such as "\*\.csv", not P'),
        ("@check(f'*.{x}')\ndef one(file): ...", 2, "a pattern must be a text"),
        ("@check('')\ndef one(file): ...", 2, "a pattern must be a text"),
        ("@check(*P)\ndef one(file): ...", 2, "not \\*P"),
        ("@check(max_seconds=T)\ndef one(file): ...", 2, "max_seconds must be a number.* not T"),
        ("@check(max_seconds=True)\ndef one(file): ...", 2, "must be a number"),
        ("@check(max_seconds=0)\ndef one(file): ...", 2, "max_seconds must be more than 0"),
        ("@check(max_seconds=1e999)\ndef one(file): ...", 2, "max_seconds must be more than 0"),
        ("@check(seconds_per_mb=-1)\ndef one(file): ...", 2, "seconds_per_mb must be 0 or more"),
        ("@check(replaces=1)\ndef one(file): ...", 2, "replaces must be True or False, not 1"),
        ("@check(seconds=3)\ndef one(file): ...", 2, "has no argument seconds"),
        ("@check(**K)\ndef one(file): ...", 2, "has no argument \\*\\*"),
        ("@check\ndef one(file): ...", 2, "write @check\\(\\) with parentheses"),
        ("@check()\n@check()\ndef one(file): ...", 4, "one has the decorator twice"),
        ("@check()\nclass One: ...", 3, "a check must be a function"),
        ("@check()\ndef one(): ...", 3, "must have one argument"),
        ("@check()\ndef one(file, more): ...", 3, "must have one argument"),
        ("@check()\ndef one(file, *, more): ...", 3, "must have one argument"),
        ("if True:\n    @check()\n    def one(file): ...", 4, "within another block"),
        ("class A:\n    @check()\n    def one(file): ...", 4, "within another block"),
        (
            "@check()\ndef one(file): ...\n@check()\ndef one(file): ...",
            5,
            "one exists since line 3; choose another name",
        ),
        ("@check()\ndef one(file): ...\none = 3", 4, "one exists since line 3"),
        ("class one: ...\n@check()\ndef one(file): ...", 4, "one exists since line 2"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, sentence: str
) -> None:
    with pytest.raises(
        SettingsError, match=rf"^OSSFERRY_CHECKS: .*checks\.py, line {line}: .*{sentence}"
    ):
        read(tmp_path, IMPORT + text)


@pytest.mark.parametrize(
    "content", [b"\0", b"\xff\n", b"(" * 100_000], ids=["NUL", "not UTF-8", "deep"]
)
def test_what_is_no_python_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SettingsError, match=r"^OSSFERRY_CHECKS: "):
        read(tmp_path, content)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^OSSFERRY_CHECKS: .*absent.py cannot be read \(No"):
        read_source(tmp_path / "absent.py")
