"""Texts about the results of the checks that a page ran over a file before its upload."""

from upload_page.view.words.text import say, say_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# a check that only adds metadata, or whose change the person has undone, has found nothing wrong
COUNTED_AS = {"noted": "passed", "undone": "passed"}
ORDER = ("passed", "changed", "asks", "rejected", "error")


def check_counts(checks: "dict[str, Any]") -> "list[str]":
    """Return texts such as `2 checks passed` and `1 check changed the file`.

    Args:
        checks: the results of the checks, in the format of `Upload.checks`.
    """
    outcomes = [COUNTED_AS.get(check["outcome"], check["outcome"]) for check in checks["ran"]]
    return [
        say_count(f"ran_{outcome}", outcomes.count(outcome))
        for outcome in ORDER
        if outcome in outcomes
    ]


def outcome_text(outcome: str) -> str:
    """Return the outcome of one check as a text in the person's language, such as `passed`.

    Args:
        outcome: the outcome as a code word.
    """
    return say(f"outcome_{outcome}")
