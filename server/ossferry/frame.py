"""The frame of the few pages that the server makes itself, in the look of the uploader."""

from collections.abc import Sequence

__all__ = ["frame", "size_html"]

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
RIGHT_TO_LEFT = ("ar", "fa", "he", "ur")


def frame(
    title: str, body: str, *, styles: Sequence[str], language: str = "en", head: str = ""
) -> str:
    """Return a whole page around a body; all three are escaped already.

    Args:
        head: what else stands in the head of the page.
    """
    links = "".join(f"<link rel=stylesheet href='{each}'>" for each in styles if each)
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    return (
        f"<!doctype html><html lang={language} dir={direction}><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<meta name=color-scheme content='light dark'><title>{title}</title>{links}{head}"
        "<main><header class=top><p class=brand><a class=link href='/'>ossferry</a></p></header>"
        f"{body}</main></html>"
    )


def size_html(size: int) -> str:
    """Return a size as people read it; the exact one is its title."""
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    text = f"{size} {UNITS[0]}" if unit == 0 else f"{value:.3g} {UNITS[unit]}"
    return f"<span dir=ltr title='{size:,} B'>{text}</span>"
