"""The dialog that explains the error `SignatureDoesNotMatch` of OSS.

The page and OSS each compute a canonical request for the signature. The dialog compares them.
"""

from upload_page.browser.dom import element
from upload_page.dialogs.dialog import Dialog
from upload_page.dialogs.signature_diff import canonical_request_of, first_difference, without_token
from upload_page.view.words.text import number, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.oss.errors import Refused
    from upload_page.browser.dom import Element


async def show_signature(error: "Refused") -> None:
    """Open a dialog that compares the canonical requests of page and OSS.

    The dialog marks the first difference, and names its likely cause. If the error does not contain
    the canonical requests, the dialog says so.

    Args:
        error: the error `SignatureDoesNotMatch` of OSS.
    """
    dialog = Dialog("signature", say("explain_signature"), wide=True)
    if not error.request or not error.canonical_request:
        dialog.body.append(element("p", None, say("signature_no_evidence")))
        return
    ours, theirs = without_token(canonical_request_of(error.request), error.canonical_request)
    at = first_difference(ours, theirs)
    if at is None:
        dialog.body.append(element("p", None, say("signature_equal")))
    else:
        words = say("signature_differs", line=number(at.line + 1), cause=say(at.cause))
        dialog.body.append(element("p", None, words))
    dialog.body.append(
        element(
            "div",
            {"class": "pair"},
            _side(say("signature_ours"), ours, at.line if at else -1, at.column if at else 0),
            _side(say("signature_theirs"), theirs, at.line if at else -1, at.column if at else 0),
        )
    )


def _side(title: str, text: str, marked: int, column: int) -> "Element":
    lines = element("pre", {"tabindex": "0", "dir": "ltr", "aria-label": title})
    for index, line in enumerate(text.split("\n")):
        if index == marked:
            lines.append(line[:column], element("mark", None, line[column:] or "␤"), "\n")
        else:
            lines.append(line + "\n")
    return element("div", None, element("b", None, title), lines)
