"""The frame of the few pages that the server makes itself, in the look of the uploader."""

from collections.abc import Sequence

__all__ = ["frame"]

RIGHT_TO_LEFT = ("ar", "fa", "he", "ur")


def frame(title: str, body: str, *, styles: Sequence[str], language: str = "en") -> str:
    """Return a whole page around a body; both are escaped already."""
    links = "".join(f"<link rel=stylesheet href='{each}'>" for each in styles if each)
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    return (
        f"<!doctype html><html lang={language} dir={direction}><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<meta name=color-scheme content='light dark'><title>{title}</title>{links}"
        "<main><header class=top><p class=brand><a class=link href='/'>ossferry</a></p></header>"
        f"{body}</main></html>"
    )
