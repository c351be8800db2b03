"""The list of unfinished uploads that other devices have started.

The list is below the unfinished uploads of this browser. A person can discard an upload, or
continue it by choosing its file. Uploads on which this browser is working are not shown.
"""

from upload_page.browser.dom import by_id, clear, element, set_attribute, set_text
from upload_page.other_devices.continue_upload import RemoteUpload
from upload_page.other_devices.line import Line
from upload_page.view.signals import effect
from upload_page.view.words.text import language, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ossferry_uploader.transfer.resuming.unfinished import UnfinishedUploads
    from upload_page.view.model import QueueModel


class _List:
    """The list of unfinished uploads that other devices have started.

    A line is removed when this browser continues the upload, or when the upload has ended.

    Args:
        remotes: the uploads from the server.
        more: true if the server has further uploads that are not in `remotes`.
    """

    def __init__(
        self, remotes: "list[RemoteUpload]", uploads: "UnfinishedUploads", *, more: bool
    ) -> None:
        self._uploads = uploads
        self._title = element("p", {"class": "title"})
        self._more = element("p", {"class": "title"}) if more else None
        self._lines = [Line(remote, uploads, self.show) for remote in remotes]
        self._language = ""
        self.box = element("section", {"class": "unfinished", "hidden": ""}, self._title)
        for line in self._lines:
            self.box.append(line.box)
        if self._more:
            self.box.append(self._more)

    def show(self) -> None:
        """Remove the lines of continued and ended uploads.

        If the language has changed, also translate the list.
        """
        known, lines = self._uploads.journal.upload_ids, self._lines
        self._lines = [
            line for line in lines if not line.has_ended and line.remote.upload_id not in known
        ]
        for line in lines:
            if line not in self._lines:
                line.close()
        set_attribute(self.box, "hidden", None if self._lines else "")
        if self._language != language.get():
            self._language = language.get()
            self._translate()

    def _translate(self) -> None:
        set_attribute(self.box, "aria-label", say("other_devices_title"))
        clear(self._title)
        self._title.append(element("b", None, say("other_devices_title")))
        if any(line.remote.part_size for line in self._lines):
            self._title.append(" ", say("other_devices"))
        if self._more:
            set_text(self._more, say("other_devices_more"))
        for line in self._lines:
            line.offer()


async def show_other_devices(
    answer: "dict[str, Any]", model: "QueueModel", uploads: "UnfinishedUploads"
) -> None:
    """Show the unfinished uploads of other devices, and keep this list up to date.

    The list is below the list of unfinished uploads of this browser.

    Args:
        answer: the server's response to `GET /api/unfinished`.
    """
    remotes = [RemoteUpload(document) for document in answer["uploads"]]
    shown = _List(remotes, uploads, more=bool(answer["more"]))
    by_id("unfinished").after(shown.box)

    def show() -> None:
        model.unfinished.get()  # run again when the uploads of this browser change
        model.rows.get()
        shown.show()

    effect(show)
