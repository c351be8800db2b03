"""Opens what a person asked for: each door leads to one module of this folder."""

from uploader.dialogs.embedding import serve_frame
from uploader.dialogs.my_uploads import delete_stored, show_mine
from uploader.dialogs.other_devices import show_elsewhere
from uploader.dialogs.receipt import show_receipt
from uploader.dialogs.same_name import ask_same_name
from uploader.dialogs.share import copy_link, show_share
from uploader.dialogs.shortcuts import show_shortcuts
from uploader.dialogs.show_text import show_text
from uploader.dialogs.signature import show_signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["open_door"]


async def open_door(what: str, *given: "Any") -> "Any":
    """Do what is behind a door; the arguments are those of the function behind it."""
    doors: dict[str, Any] = {
        "copy_link": copy_link,
        "delete": delete_stored,
        "elsewhere": show_elsewhere,
        "frame": serve_frame,
        "mine": show_mine,
        "receipt": show_receipt,
        "same_name": ask_same_name,
        "share": show_share,
        "shortcuts": show_shortcuts,
        "show_text": show_text,
        "signature": show_signature,
    }
    return await doors[what](*given)
