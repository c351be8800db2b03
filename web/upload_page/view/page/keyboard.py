"""Handle the keyboard shortcuts of the page, which the dialog in `dialogs/shortcuts.py` lists."""

from upload_page.browser import window
from upload_page.browser.dom import by_id, listen_keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions


def start_keys(actions: "Actions") -> None:
    """From now on, run an action when a person presses its keyboard shortcut."""
    commands: dict[str, Callable[[], None]] = {
        "KeyU": lambda: by_id("files").click(),
        "KeyP": actions.pause_or_resume,
        "KeyR": actions.retry_failed,
        "KeyN": actions.show_refused,
        "KeyT": lambda: actions.open_dialog("timeline", actions),
        "KeyK": lambda: actions.open_dialog("shortcuts"),
    }

    def press(code: str, alt: bool, row: "Element | None") -> bool:
        if alt and code in commands:
            commands[code]()
            return True
        if row and code in ("ArrowDown", "ArrowUp"):
            step = 1 if code == "ArrowDown" else -1
            if alt:
                actions.open_dialog("move", int(row.dataset.number), step, actions)
            else:
                window.focus_next_row(row, step)
            return True
        if row and code == "Delete":
            row.querySelector(".actions button:last-child").click()
            return True
        return False

    listen_keys(press)
