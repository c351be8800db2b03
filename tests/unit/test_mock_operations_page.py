"""The page about the mock's operations is complete, for users of every language."""

import re

from mock_oss.operations.routes import OPERATIONS
from mock_oss.sts.endpoint import RAM_ACTIONS
from support.mock_operations import operations_page


def purposes() -> list[tuple[str, str]]:
    """Return each operation or action of the page, and what the mock does."""
    return re.findall(r"^\| `(\w+)` \|.* \| (.*?) \|$", operations_page(), re.MULTILINE)


def test_every_operation_has_a_line_that_says_what_it_does() -> None:
    rows = purposes()

    assert {name for name, _ in rows} == {
        *(operation.name for operation in OPERATIONS),
        *RAM_ACTIONS,
        "AssumeRole",
        "GetCallerIdentity",
        "OptionObject",
    }
    assert [name for name, purpose in rows if len(purpose.split()) < 3] == []


def test_the_page_has_no_terms_of_python() -> None:
    terms = re.compile(r"\b(raises?|\w*Error|None|True|False|dict|tuple|str|int)\b|``")

    assert [purpose for _, purpose in purposes() if terms.search(purpose)] == []
