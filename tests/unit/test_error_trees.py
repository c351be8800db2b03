"""The error tree in the docstring of each errors module is complete."""

import re
from importlib import import_module

import pytest


@pytest.mark.parametrize(
    "of", ["mock_oss", "ossferry", "ossferry_uploader.oss", "ossferry_uploader.transfer"]
)
def test_every_error_is_drawn_below_its_base(of: str) -> None:
    module = import_module(f"{of}.errors")
    kinds = [getattr(module, each) for each in module.__all__]
    errors = [each for each in kinds if isinstance(each, type) and issubclass(each, Exception)]
    lines = re.findall(r"^([ │├└─]*)([A-Z]\w+)\b", module.__doc__ or "", re.MULTILINE)
    depths = {found: len(indent) for indent, found in lines if found in module.__all__}

    assert set(depths) == {each.__name__ for each in errors}
    for each in errors:
        bases = [base.__name__ for base in each.__bases__ if base in errors]
        order = list(depths)
        above = order[: order.index(each.__name__)]
        parents = [found for found in above if depths[found] < depths[each.__name__]]
        assert parents[-1:] == bases
