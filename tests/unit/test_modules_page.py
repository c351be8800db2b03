"""The list of all modules is up to date, and every module says in one sentence what it is for."""

import re

from support.module_list import PAGE, modules_page


def test_the_list_of_modules_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == modules_page(), "run `make modules`"


def test_every_module_has_a_purpose() -> None:
    rows = re.findall(r"^\| `(\S+)` \| (.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE)

    assert len(rows) > 200
    assert [name for name, purpose in rows if len(purpose.split()) < 3] == []
