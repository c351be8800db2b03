"""Words about the checks of a stored file, as the page that uploaded the file has reported them."""

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
        checks: the claim of a page, as in `Upload.checks`.
    """
    outcomes = [COUNTED_AS.get(check["outcome"], check["outcome"]) for check in checks["ran"]]
    return [
        say_count(f"ran_{outcome}", outcomes.count(outcome))
        for outcome in ORDER
        if outcome in outcomes
    ]


def outcome_text(outcome: str) -> str:
    """Return the outcome of one check, such as `passed`, as text."""
    return say(f"outcome_{outcome}")
