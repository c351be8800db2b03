"""Load style sheets that few pages need."""

import js

from upload_page.browser.window import fetch_text

_loaded: "list[str]" = []


async def load_styles(name: str) -> None:
    """Load a style sheet, unless it is loaded already.

    Args:
        name: a name that `build.py` writes into the page, such as `repair_styles`.

    Raises:
        ServerRefused: the server does not answer.
    """
    if name not in _loaded:
        sheet = js.CSSStyleSheet.new()
        sheet.replaceSync(await fetch_text(name))
        js.document.adoptedStyleSheets.push(sheet)
        _loaded.append(name)
