"""The common HTML of the pages that the server renders, in the style of the upload page."""

from collections.abc import Sequence

from ossferry.http.languages import DEFAULT, RIGHT_TO_LEFT

__all__ = ["frame", "size_html"]

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
MARK = (
    "<svg class=mark width=28 height=28 viewBox='0 0 28 28' aria-hidden=true><path d='M14 16V5m0"
    " 0-4 4m4-4 4 4M4 16h20l-2.6 5.2H6.6zM3 25c1.8 0 1.8-1.2 3.7-1.2S8.5 25 10.3 25s1.8-1.2 3.7"
    "-1.2S15.9 25 17.7 25s1.8-1.2 3.6-1.2S23.2 25 25 25'/></svg>"
)


def frame(
    title: str, body: str, *, styles: Sequence[str], language: str = DEFAULT, head: str = ""
) -> str:
    """Return a complete HTML page; the caller has escaped title, body and head.

    Args:
        styles: URLs of style sheets; empty URLs are ignored.
        language: the language code of the page, such as ``zh-CN``.
        head: additional elements for the head of the page.
    """
    links = "".join(f"<link rel=stylesheet href='{each}'>" for each in styles if each)
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    return (
        f"<!doctype html><html lang={language} dir={direction}><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<meta name=color-scheme content='light dark'><title>{title}</title>{links}{head}"
        f"<main><header class=top><p class=brand>{MARK}"
        "<a class=link tabindex=0 href='/'>ossferry</a></p>"
        "</header>"
        f"{body}</main></html>"
    )


def size_html(size: int) -> str:
    """Return a size in bytes as HTML, such as ``1.5 MB``; the tooltip shows the exact number."""
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    text = f"{size} {UNITS[0]}" if unit == 0 else f"{value:.3g} {UNITS[unit]}"
    return f"<span dir=ltr title='{size:,} B'>{text}</span>"
