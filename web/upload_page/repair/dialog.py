"""Opens the dialog in which a person repairs a table that a check has refused."""

from upload_page.browser.dom import show_toast
from upload_page.browser.repair import load
from upload_page.repair.columns import Columns
from upload_page.repair.panel import Panel
from upload_page.view.signals import effect
from upload_page.view.words.text import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from upload_page.view.actions import Actions
    from upload_page.view.model import UploadModel


async def show_repair(item: "UploadModel", actions: "Actions") -> None:
    """Open the dialog that repairs the table of an upload; return when it is closed.

    The dialog closes itself when the upload continues.

    Raises:
        ServerRefused: the server does not answer.
    """
    await load()
    panel = Panel(item, actions, lambda: panel.run(_open(panel)))
    panel.reopen()
    panel.dialog.owner.run(lambda: effect(panel.follow))
    await panel.dialog.closed.wait()
    if panel.decisions and panel.is_kept and item.upload.may_repair():
        show_toast(say("repair_kept"))


async def _open(panel: Panel) -> None:
    overview = await panel.open()
    if overview:
        Columns(panel, overview)
