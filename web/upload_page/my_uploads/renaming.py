"""A text field in place of a file's name, in which a person renames or moves a stored file."""

import asyncio

from upload_page.browser.dom import has_focus, listen, subscribe
from upload_page.dialogs.fields import text_field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from upload_page.browser.dom import Element

MAX_PATH = "1000"  # characters
COMPOSING = 229  # the code of a key that an input method takes, in Safari also of its last one


async def edited(shown: "Element", path: str, label: str, opener: "Element") -> str:
    """Let a person edit the path of a file in place, and return the new path.

    Enter accepts the new path, and so does leaving the field; Escape does not. Then `opener` gets
    the focus back.

    Args:
        shown: the element that shows the path; the field takes its place for a time.
        path: folders and name of the file, such as `a/b.txt`.
        label: the name of the field for screen readers.
        opener: the button that has opened the field.

    Returns:
        The new path; empty if nothing should change.
    """
    field = text_field("path", dir="auto", maxlength=MAX_PATH)
    field.setAttribute("aria-label", label)
    field.value = path
    ended, is_accepted = asyncio.Event(), [True]

    def press(event: "Element") -> None:
        if str(event.key) not in ("Enter", "Escape") or int(event.keyCode) == COMPOSING:
            return
        event.preventDefault()  # Escape would close the dialog
        is_accepted[0] = str(event.key) == "Enter"
        ended.set()

    stops = [subscribe(field, "keydown", press), listen(field, "blur", ended.set)]
    shown.replaceWith(field)
    field.focus()
    head, dot, _ = path.rpartition(".")
    begin, end = path.rfind("/") + 1, len(head if dot and "/" not in path[len(head) :] else path)
    field.setSelectionRange(_units(path[:begin]), _units(path[:end]))
    await ended.wait()
    had_focus = has_focus(field)
    for stop in stops:
        stop()
    field.replaceWith(shown)
    if had_focus:
        opener.focus()
    wanted = str(field.value).strip()
    return wanted if is_accepted[0] and wanted != path else ""


def _units(text: str) -> int:
    """Return the length of a text as JavaScript counts it, in UTF-16."""
    return sum([1 + (ord(char) > 0xFFFF) for char in text])
