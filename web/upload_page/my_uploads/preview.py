"""The dialog that shows a stored picture, sound, video, text or PDF, and runs no part of it."""

from ossferry_uploader.transfer.errors import ServerRefused
from upload_page.browser.dom import element, set_attribute, set_text
from upload_page.browser.downloads import fetch_text
from upload_page.browser.own_server import server
from upload_page.browser.window import shows_pdf
from upload_page.dialogs.dialog import Dialog
from upload_page.receipts.stored_objects import StoredObject, path_of
from upload_page.receipts.table_text import table_rows
from upload_page.view.words.messages import explain
from upload_page.view.words.text import say, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from upload_page.browser.dom import Element

TEXT_BYTES = 64 * 1024
TABLES = ("csv", "tsv")
TAGS = {"image": ("img", "alt"), "pdf": ("iframe", "title")}  # by kind: tag, attribute of the name
KINDS = (
    "jpg jpeg png webp bmp gif tiff mp3 m4a aac flac ogg wav mp4 webm mov txt csv tsv md log json"
)


def has_preview(name: str, *, pdf: bool) -> bool:
    """Return whether files with such a name usually have a preview.

    Args:
        pdf: whether the server offers previews of PDF.
    """
    ending = name.rpartition(".")[2].lower()
    return ending in KINDS.split() or (ending == "pdf" and pdf and shows_pdf())


async def show_preview(stored: StoredObject) -> None:
    """Open the dialog with a stored file, and return when it is closed."""
    dialog = Dialog("preview", stored.name, wide=True)
    words = element("p", {"class": "hint", "role": "status"})
    dialog.body.append(words)
    try:
        path = f"/api/objects/{path_of(stored.key)}/preview?preset=preview"
        found = await server.call("GET", path)
        if found["kind"] == "text":
            text, size = await fetch_text(found["url"], TEXT_BYTES), min(stored.size, TEXT_BYTES)
            if stored.key.rpartition(".")[2].lower() in TABLES:
                rows, end = table_rows(text, is_cut=stored.size > TEXT_BYTES)
                shown = _table(rows)
                if end < len(text):
                    size = len(text[:end].encode())
            else:
                shown = element("pre", {"tabindex": "0"}, text)
            if stored.size > size:
                set_text(words, say("preview_start", size=size_text(size)))
        else:
            tag, attribute = TAGS.get(found["kind"], (found["kind"], "aria-label"))
            shown = element(tag, {"class": "preview", attribute: stored.name})
            if attribute == "aria-label":
                set_attribute(shown, "controls", "")
            set_attribute(shown, "src", found["url"])
        dialog.body.append(shown)
    except ServerRefused as error:
        set_text(words, explain(error, origin="").sentence)
    await dialog.closed.wait()


def _table(rows: "list[list[str]]") -> "Element":
    """Return a table of texts, with the first row as its head; a keyboard can scroll it."""
    table = element("table")
    for row in rows:
        tag = "td" if table.firstElementChild else "th"
        table.append(element("tr", None, *[element(tag, {"dir": "auto"}, cell) for cell in row]))
    return element("div", {"class": "table", "tabindex": "0"}, table)
