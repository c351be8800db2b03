"""Opens the dialog in which a person repairs a table that a check has refused."""

import json

from upload_page.browser.repair import load_styles
from upload_page.repair.columns import Columns, scan
from upload_page.repair.panel import Panel
from upload_page.view.signals import effect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from upload_page.view.actions import Actions
    from upload_page.view.model import UploadModel


async def show_repair(item: "UploadModel", actions: "Actions") -> None:
    """Open the dialog that repairs the table of an upload; return when it is closed.

    The dialog closes itself when the upload continues.
    """
    await load_styles()
    panel = Panel(item, actions, lambda then_scan: panel.run(_open(panel, then_scan)))
    panel.reopen(False)
    panel.dialog.owner.run(lambda: effect(panel.follow))
    await panel.dialog.closed.wait()


async def _open(panel: Panel, then_scan: bool) -> None:
    overview = await panel.open()
    if overview and then_scan:
        await scan(panel, json.loads(panel.decisions)["columns"], overview)
    elif overview:
        Columns(panel, overview)
