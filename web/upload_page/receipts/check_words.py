"""Texts about the results of the checks that a page ran over a file before its upload."""

from upload_page.view.words.text import say, say_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# a check that only adds metadata, or whose change the person has undone, has found nothing wrong
COUNTED_AS = {"noted": "passed", "undone": "passed"}
ORDER = ("passed", "changed", "asks", "rejected", "error")


def check_counts(checks: "dict[str, Any]") -> "list[str]":
    """Return one text for each outcome, such as `2 checks passed` and `1 check changed the file`.

    Args:
        checks: the results of the checks of one file: `{"ran": [{"outcome": word, ...}, ...]}`.
    """
    outcomes = [COUNTED_AS.get(check["outcome"], check["outcome"]) for check in checks["ran"]]
    return [
        say_count(f"ran_{outcome}", outcomes.count(outcome))
        for outcome in ORDER
        if outcome in outcomes
    ]


def outcome_text(outcome: str) -> str:
    """Return the text that names the outcome of a check, in the person's language.

    Args:
        outcome: the code of the outcome, such as `passed`, `changed` or `rejected`.
    """
    return say(f"outcome_{outcome}")
