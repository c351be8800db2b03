"""Text matching with Playwright's rules."""

import re

Text = str | re.Pattern[str]


def matches(wanted: Text, text: str, *, exact: bool = False) -> bool:
    """Return whether a text matches, as in Playwright: ignoring case, as substring, spaces
    collapsed.
    """
    found = " ".join(text.split())
    if isinstance(wanted, re.Pattern):
        return bool(wanted.search(found))
    sought = " ".join(wanted.split())
    return found == sought if exact else sought.lower() in found.lower()
