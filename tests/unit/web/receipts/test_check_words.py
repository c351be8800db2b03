"""The checks of a stored file in a few words."""

import pytest

from support.english import speak_english
from upload_page.receipts.check_words import check_counts, outcome_text

speak_english()


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        (["passed"], ["1 check passed"]),
        (["passed", "noted", "passed"], ["3 checks passed"]),
        (["changed", "passed", "noted"], ["2 checks passed", "1 check changed the file"]),
        (["asks", "asks"], ["2 checks asked you"]),
        (
            ["error", "rejected", "passed"],
            ["1 check passed", "1 check rejected the file", "1 check did not work"],
        ),
    ],
    ids=str,
)
def test_checks_are_counted_by_their_outcome(outcomes, said):
    ran = [{"check": "a", "outcome": outcome, "says": ""} for outcome in outcomes]

    assert check_counts({"version": "", "ran": ran}) == said


def test_a_note_is_named_where_each_check_is_listed():
    assert outcome_text("noted") == "Passed, and added a note"
