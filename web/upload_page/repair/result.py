"""The third step of the repair of a table: what has changed, downloads, and the upload."""

from ossferry_uploader.transfer.checks.verdict import Repaired
from upload_page.browser.dom import element
from upload_page.browser.repair import address_of
from upload_page.view.words.text import number, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.transfer.files import File
    from upload_page.repair.panel import Panel

COUNTS = ("rows_in", "rows_out", "changed", "dropped", "formulas")


def show_result(
    panel: "Panel", result: "dict[str, Any]", files: "tuple[File, File]", back: "Callable[[], None]"
) -> None:
    """Show the step.

    Args:
        result: the result of the session's command `write`.
        files: the corrected file and the list of changes.
        back: shows the step before.
    """
    counts, links = element("dl", {"class": "counts"}), element("div", {"class": "bulk"})
    for name in COUNTS:
        if result[name] or name != "formulas":
            value = element("dd", None, number(result[name]))
            counts.append(element("div", None, element("dt", None, say(f"panel_{name}")), value))
    panel.show(3, "result", counts, links)
    for key, name, content in (
        ("download", files[0].name, files[0]),
        ("changes", files[1].name, files[1]),
        ("decisions", f"{panel.file.name}.decisions.json", result["decisions"]),
    ):
        address, free = address_of(content)
        panel.owner.on_dispose(free)
        attributes = {"class": "button small", "href": address, "download": name}
        links.append(element("a", attributes, say(f"panel_{key}")))

    def upload() -> None:
        says = say(
            "panel_says",
            changed=number(result["changed"]),
            dropped=number(result["dropped"]),
            before=number(result["rows_in"]),
            after=number(result["rows_out"]),
        )
        notes = {
            f"table-{name.replace('_', '-')}": str(result[name])
            for name in ("model", "rows_in", "rows_out", "changed", "dropped")
        }
        changes = files[1] if result["changed"] or result["dropped"] else None
        panel.actions.use_repaired(panel.item, Repaired(files[0], notes, says, changes))

    panel.offer(say("panel_back"), back)
    panel.offer(say("panel_upload"), upload, is_main=True).focus()
