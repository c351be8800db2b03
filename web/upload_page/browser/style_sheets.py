"""Load style sheets that few pages need."""

import js

from ossferry_uploader.browser.interop import JsException, reason_of
from ossferry_uploader.transfer.errors import ServerRefused

_loaded: "list[str]" = []


async def load_styles(name: str) -> None:
    """Load a style sheet, unless it is loaded already.

    Args:
        name: a name that `build.py` writes into the page, such as `repair_styles`.

    Raises:
        ServerRefused: the server does not answer.
    """
    if name not in _loaded:
        try:
            answer = await js.ossferry.fetch(js.ossferry.url(name))
            styles = await answer.text()
        except JsException as error:
            raise ServerRefused(0, detail=reason_of(error))
        sheet = js.CSSStyleSheet.new()
        sheet.replaceSync(styles)
        js.document.adoptedStyleSheets.push(sheet)
        _loaded.append(name)
