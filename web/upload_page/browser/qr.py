"""Create QR codes with the library qrcode-generator, which is loaded when it is first needed."""

import js

from upload_page.browser.dom import SVG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from upload_page.browser.dom import Element

QUIET = 4  # modules around the code
FITTING = 0  # the library then uses the smallest version that holds the text
CORRECTION = "M"


async def qr_code(text: str, label: str) -> "Element":
    """Return an SVG element that shows a text as a QR code.

    Args:
        text: the text, such as an address.
        label: the description of the QR code for assistive technology.
    """
    code = await js.ossferry.ask("qr", "default", FITTING, CORRECTION)
    code.addData(text)
    code.make()
    count = int(code.getModuleCount())
    path = []
    for row in range(count):
        for column in range(count):
            if code.isDark(row, column):
                path.append(f"M{column + QUIET} {row + QUIET}h1v1h-1z")
    drawing = js.document.createElementNS(SVG, "svg")
    size = count + 2 * QUIET
    drawing.setAttribute("viewBox", f"0 0 {size} {size}")
    drawing.setAttribute("class", "qr")
    drawing.setAttribute("role", "img")
    drawing.setAttribute("aria-label", label)
    dark = js.document.createElementNS(SVG, "path")
    dark.setAttribute("d", "".join(path))
    drawing.append(dark)
    return drawing
