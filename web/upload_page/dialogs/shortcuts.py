"""The dialog that lists the keyboard shortcuts, which `view/page/keyboard.py` implements."""

from upload_page.browser.dom import element
from upload_page.dialogs.dialog import Dialog
from upload_page.view.words.text import say

KEYS = (
    ("Alt+U", "choose_files"),
    ("Alt+P", "key_pause"),
    ("Alt+R", "key_retry"),
    ("Alt+N", "next_refused"),
    ("Alt+T", "timeline"),
    ("Alt+K", "shortcuts"),
    ("↑ ↓", "key_rows"),
    ("Alt+↑ ↓", "key_move"),
    ("Delete", "key_delete"),
    ("Ctrl+V", "key_paste"),
    ("Esc", "key_close"),
)


async def show_shortcuts() -> None:
    """Open the dialog that lists the keyboard shortcuts."""
    dialog = Dialog("shortcuts", say("shortcuts"))
    keys = element("dl", {"class": "keys"})
    for key, meaning in KEYS:
        keys.append(element("dt", None, element("kbd", None, key)))
        keys.append(element("dd", None, say(meaning)))
    dialog.body.append(keys)
