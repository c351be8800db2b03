"""The dialog that saves a receipt (a list of stored files) as CSV or JSON."""

from upload_page.browser.dom import element
from upload_page.browser.window import save_text
from upload_page.dialogs.dialog import Dialog
from upload_page.receipts.formats import as_csv, as_json
from upload_page.view.words.text import count_files, say, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.transfer.upload import Upload


async def show_receipt(rows: "list[tuple[Upload, float]]") -> None:
    """Open the dialog that saves the receipt (a list of stored files); return when it is closed.

    Args:
        rows: `(upload, end)` for each finished upload; `end` is the time when it ended, in seconds
            since 1970.
    """
    dialog = Dialog("receipt", say("receipt"))
    size = sum([upload.file.size for upload, _ in rows])
    words = say("receipt_words", files=count_files(len(rows)), size=size_text(size))
    dialog.body.append(element("p", None, words))
    if any(upload.checks for upload, _ in rows):
        dialog.body.append(element("p", {"class": "hint"}, say("receipt_checks")))
    dialog.offer("receipt_csv", lambda: save_text("receipt.csv", "text/csv", as_csv(rows)))
    dialog.offer(
        "receipt_json",
        lambda: save_text("receipt.json", "application/json", as_json(rows)),
        main=True,
    )
    await dialog.closed.wait()
