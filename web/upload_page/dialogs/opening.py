"""Opens dialogs by name. The modules of this folder are loaded when the first dialog is opened."""

from upload_page.dialogs.dialog import show_text
from upload_page.dialogs.embedding import serve_embedding_page
from upload_page.dialogs.my_uploads import delete_stored, show_my_uploads
from upload_page.dialogs.other_devices import show_other_devices
from upload_page.dialogs.receipt import show_receipt
from upload_page.dialogs.same_name import ask_same_name
from upload_page.dialogs.share import copy_link, show_share
from upload_page.dialogs.shortcuts import show_shortcuts
from upload_page.dialogs.signature import show_signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["open_dialog"]


async def open_dialog(name: str, *given: "Any") -> "Any":
    """Open the dialog `name` with the arguments `given`, and return the result of the dialog.

    Some names call a rarely needed function that shows no dialog, such as `delete`.

    Raises:
        KeyError: there is no dialog or function with this name.
    """
    functions: dict[str, Any] = {
        "copy_link": copy_link,
        "delete": delete_stored,
        "embedding": serve_embedding_page,
        "my_uploads": show_my_uploads,
        "other_devices": show_other_devices,
        "receipt": show_receipt,
        "same_name": ask_same_name,
        "share": show_share,
        "shortcuts": show_shortcuts,
        "show_text": show_text,
        "signature": show_signature,
    }
    return await functions[name](*given)
