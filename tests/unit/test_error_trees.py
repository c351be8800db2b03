"""The error tree in the docstring of each errors module is complete."""

import re
from importlib import import_module
from types import ModuleType

import pytest

from ossferry_uploader.oss import errors as oss
from ossferry_uploader.transfer import errors as transfer
from support.markdown import ROOT


def errors_of(module: ModuleType) -> list[type[Exception]]:
    return [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Exception)
    ]


@pytest.mark.parametrize(
    "of", ["mock_oss", "ossferry", "ossferry_uploader.oss", "ossferry_uploader.transfer"]
)
def test_every_error_is_drawn_below_its_base(of: str) -> None:
    module = import_module(f"{of}.errors")
    errors = errors_of(module)
    names = {each.__name__ for each in errors}
    lines = re.findall(r"^([ │├└─]*)([A-Z]\w+)\b", module.__doc__ or "", re.MULTILINE)
    depths = {found: len(indent) for indent, found in lines if found in names}

    assert set(depths) == names
    for each in errors:
        bases = [base.__name__ for base in each.__bases__ if base in errors]
        order = list(depths)
        above = order[: order.index(each.__name__)]
        parents = [found for found in above if depths[found] < depths[each.__name__]]
        assert parents[-1:] == bases


def test_the_guide_of_the_library_describes_every_error() -> None:
    guide = (ROOT / "docs/uploader-library.md").read_text("utf-8")
    _, _, section = guide.partition("## Errors\n")
    rows = re.findall(r"^\| (`[A-Z].*?) \|", section.partition("\n## ")[0], re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}

    trees = {each.__name__ for module in (oss, transfer) for each in errors_of(module)}
    assert named == trees - {"OSSError", "TransferError"}
