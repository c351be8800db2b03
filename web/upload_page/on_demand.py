"""The dialogs and other functions that a page rarely needs.

The page loads this module, and all modules that only this module imports, when it first needs one
of the functions.
"""

from upload_page.browser.language import fetch_words
from upload_page.browser.style_sheets import load_styles
from upload_page.browser.window import is_for_guests, load_modules
from upload_page.dialogs.dialog import show_text
from upload_page.dialogs.moving import move_row
from upload_page.dialogs.receipt import show_receipt
from upload_page.dialogs.same_name import ask_same_name
from upload_page.dialogs.shortcuts import show_shortcuts
from upload_page.dialogs.signature import show_signature
from upload_page.dialogs.timeline import show_timeline
from upload_page.embedding.messages import serve_embedding_page
from upload_page.my_uploads.dialog import show_my_uploads
from upload_page.my_uploads.share import copy_link, show_share
from upload_page.other_devices.list import show_other_devices
from upload_page.view.words.text import use_more

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from upload_page.view.actions import Actions
    from upload_page.view.model import UploadModel

# The page says these otherwise to guests, who have no quota of their own.
FOR_GUESTS = (
    "hint_whole grant_quota grant_quota_next no_room no_room_next paused_quota too_many_total_next"
)

_prepared: "list[str]" = []


async def prepare(folder: str = "dialogs") -> None:
    """Load the sentences and the style sheet of a folder of `upload_page`.

    Args:
        folder: `dialogs`, `details`, `pictures`, `recording` or `requests`.

    Raises:
        ServerRefused: the server does not answer.
    """
    if folder in _prepared:
        return
    await load_styles(f"{folder}_styles")
    words = await fetch_words(f"{folder}_words")
    if folder == "requests" and is_for_guests():
        for said in words.values():
            said.update({key: said[f"guest_{key}"] for key in FOR_GUESTS.split()})
    use_more(words)
    _prepared.append(folder)


def _rare(folder: str, module: "Callable[[], Any]", name: str) -> "Callable[..., Any]":
    """Return a function of a module; the first call loads the code and sentences of its folder."""

    async def call(*given: "Any") -> "Any":
        await load_modules(folder)
        await prepare(folder)
        return await getattr(module(), name)(*given)

    return call


def _requests(name: str) -> "Callable[..., Any]":
    def module() -> "Any":
        from upload_page.requests import functions

        return functions

    return _rare("requests", module, name)


def _details(name: str) -> "Callable[..., Any]":
    def module() -> "Any":
        from upload_page.details import dialog

        return dialog

    return _rare("details", module, name)


def _pictures(name: str) -> "Callable[..., Any]":
    def module() -> "Any":
        from upload_page.pictures import dialog

        return dialog

    return _rare("pictures", module, name)


def _recording(name: str) -> "Callable[..., Any]":
    def module() -> "Any":
        from upload_page.recording import dialog, kept

        return kept if name == "offer_interrupted" else dialog

    return _rare("recording", module, name)


async def _repair(item: "UploadModel", actions: "Actions") -> None:
    """Open the dialog that repairs a table; the first call loads its code."""
    await load_modules("repair")
    from upload_page.repair.dialog import show_repair

    await show_repair(item, actions)


FUNCTIONS: "dict[str, Callable[..., Any]]" = {
    "ask_for_files": _requests("ask_for_files"),
    "asked_for": _requests("show_asked_for"),
    "copy_link": copy_link,
    "details": _details("show_details"),
    "embedding": serve_embedding_page,
    "found_details": _details("use_found"),
    "guest": _requests("serve_guest"),
    "interrupted": _recording("offer_interrupted"),
    "move": move_row,
    "my_uploads": show_my_uploads,
    "other_devices": show_other_devices,
    "picture": _pictures("show_picture"),
    "receipt": show_receipt,
    "recording": _recording("show_recording"),
    "repair": _repair,
    "same_name": ask_same_name,
    "share": show_share,
    "shortcuts": show_shortcuts,
    "show_text": show_text,
    "signature": show_signature,
    "timeline": show_timeline,
}
