"""The list of the mock's operations is up to date, and says what each operation does."""

import re

from mock_oss.operations.routes import OPERATIONS
from mock_oss.sts.ram import RAM_ACTIONS
from support.mock_operations import PAGE, operations_page


def test_the_list_of_operations_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == operations_page(), "run `make modules`"


def test_every_operation_has_a_line_that_says_what_it_does() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.* \| (.*?) \|$", operations_page(), re.MULTILINE)

    assert {name for name, _ in rows} == {
        *(operation.name for operation in OPERATIONS),
        *RAM_ACTIONS,
        "AssumeRole",
        "GetCallerIdentity",
        "OptionObject",
    }
    assert [name for name, purpose in rows if len(purpose.split()) < 3] == []
