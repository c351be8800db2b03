"""Text to be copied by hand, where the browser does not let the page do it."""

from uploader.browser.page.dom import element
from uploader.dialogs.dialog import Dialog
from uploader.view.words.text import say

__all__ = ["show_text"]


async def show_text(text: str) -> None:
    """Show text, selected."""
    dialog = Dialog("text", say("copy_by_hand"))
    field = element(
        "textarea", {"class": "text", "readonly": "", "aria-label": say("copy_by_hand")}
    )
    field.value = text
    dialog.body.append(field)
    field.select()
