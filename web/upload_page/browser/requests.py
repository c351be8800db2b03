"""Functions of the browser that only requests for files need."""

import js


def day_of(at_s: float) -> str:
    """Return the local date of a time in seconds since 1970, as `2026-12-31`."""
    at = js.Date.new(float(at_s) * 1000)
    return f"{int(at.getFullYear()):04d}-{int(at.getMonth()) + 1:02d}-{int(at.getDate()):02d}"


def end_of(day: str) -> str:
    """Return the last second of a local date, such as `2026-12-31`, as ISO 8601 in UTC."""
    return str(js.Date.new(f"{day}T23:59:59").toISOString())


def show_drop_zone(on: bool) -> None:
    """Show or hide the drop zone in a page for guests."""
    js.document.documentElement.setAttribute("data-request", "open" if on else "")
