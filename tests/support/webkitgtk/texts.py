"""When a text is the one that a story means."""

import re

__all__ = ["Text", "matches"]

Text = str | re.Pattern[str]


def matches(wanted: Text, text: str, *, exact: bool = False) -> bool:
    """Tell whether a text is meant, as Playwright does: in any case, in part, spaces as one."""
    found = " ".join(text.split())
    if isinstance(wanted, re.Pattern):
        return bool(wanted.search(found))
    sought = " ".join(wanted.split())
    return found == sought if exact else sought.lower() in found.lower()
