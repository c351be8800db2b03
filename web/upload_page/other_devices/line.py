"""One unfinished upload of another device, shown as a line with buttons."""

from ossferry_uploader.browser.files import file_from_js
from ossferry_uploader.oss.errors import OSSError, Refused
from ossferry_uploader.transfer.errors import ServerRefused, TransferError
from upload_page.browser.dom import clear, element, listen, set_text, show_toast
from upload_page.browser.window import start
from upload_page.other_devices.continue_upload import (
    DifferentFile,
    InOtherTab,
    RemoteUpload,
    claim,
    continue_upload,
)
from upload_page.view.elements import button, facts, file_name
from upload_page.view.signals import Owner
from upload_page.view.words.messages import explain
from upload_page.view.words.text import ago, percent, say, say_count, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from ossferry_uploader.transfer.resuming.unfinished import UnfinishedUploads
    from upload_page.browser.dom import Element

GONE = ("NoSuchUpload", "no-upload")  # codes of OSS and of our server


class Line:
    """One unfinished upload of another device, as a line with buttons to continue or discard it.

    While the action of a button runs, the line shows no buttons.

    Args:
        on_end: called when the line has to be removed from the list: this browser continues the
            upload, perhaps in another tab, or the upload no longer exists.
    """

    def __init__(
        self, remote: RemoteUpload, uploads: "UnfinishedUploads", on_end: "Callable[[], None]"
    ) -> None:
        self.remote = remote
        self.has_ended = False
        self._uploads = uploads
        self._on_end = on_end
        self._is_busy = False
        self._listeners = Owner()
        self._words = element("p", {"class": "state", "role": "status"})
        group = {"class": "actions", "role": "group", "aria-label": remote.name}
        self._buttons = element("div", group)
        self._input = element("input", {"type": "file", "hidden": ""})
        self._stop = listen(self._input, "change", self._chosen)
        name = file_name(remote.name, remote.folders)
        attributes = {"class": "record", "data-testid": "other-device", "data-name": remote.name}
        self.box = element("div", attributes, name, self._words, self._buttons, self._input)

    def offer(self) -> None:
        """Show how many bytes OSS has, the age of the upload, and the buttons.

        While the action of a button runs, do nothing.
        """
        if self._is_busy:
            return
        remote, now_s = self.remote, self._uploads.engine.keeper.server_now_s()
        said = [say("other_devices_there", size=size_text(remote.size))]
        said.append(say("other_devices_began", ago=ago(max(0.0, now_s - remote.began_at_s))))
        if remote.is_active(now_s):
            said.append(say("other_devices_active"))
        self._words.replaceChildren(facts(said))
        self._clear()
        if remote.part_size:
            self._button("button small", say("other_devices_choose"), lambda: self._input.click())
        self._button("quiet", say("discard"), self._ask_back)

    def close(self) -> None:
        """Remove this line from the document, with its event listeners."""
        self._clear()
        self._stop()
        self.box.remove()

    def _ask_back(self) -> None:
        self._clear()
        no = self._button("quiet", say("cancel"), self._take_back)
        self._button("quiet bad", say_count("discard_all_sure", 1), lambda: self._do(_discard))
        no.focus()

    def _take_back(self) -> None:
        self.offer()
        self._buttons.lastChild.focus()

    def _chosen(self) -> None:
        if not self._input.files.length:
            return
        file = file_from_js(self._input.files[0])
        self._input.value = ""  # else choosing the same file again causes no event
        self._show_compared(0)

        async def work(remote: RemoteUpload, uploads: "UnfinishedUploads") -> None:
            await continue_upload(
                remote, file, uploads, lambda known: self._show_compared(known.sent)
            )

        self._do(work)

    def _show_compared(self, size: int) -> None:
        set_text(self._words, say("other_devices_check", percent=percent(size, self.remote.size)))

    def _do(
        self, work: "Callable[[RemoteUpload, UnfinishedUploads], Coroutine[Any, Any, None]]"
    ) -> None:
        self._is_busy = True
        self._clear()
        start(self._run(work))

    async def _run(
        self, work: "Callable[[RemoteUpload, UnfinishedUploads], Coroutine[Any, Any, None]]"
    ) -> None:
        try:
            await work(self.remote, self._uploads)
        except InOtherTab:
            self._end("other_devices_tab")
        except (OSSError, TransferError) as error:
            if isinstance(error, (Refused, ServerRefused)) and error.code in GONE:
                self._end("other_devices_gone")
            else:
                self._failed(error)
        else:
            self._end("" if work is not _discard else "other_devices_discarded")

    def _end(self, why: str) -> None:
        if why:
            show_toast(say(why, name=self.remote.name))
        self.has_ended = True
        self._on_end()

    def _failed(self, error: Exception) -> None:
        """Show why an action failed, and show the buttons again."""
        self._is_busy = False
        self.offer()
        self._buttons.firstChild.focus()
        is_other = isinstance(error, DifferentFile)
        sentence = say("other_devices_other") if is_other else explain(error, origin="").sentence
        set_text(self._words, sentence)

    def _clear(self) -> None:
        self._listeners.dispose()
        clear(self._buttons)

    def _button(self, kind: str, words: str, action: "Callable[[], None]") -> "Element":
        made = button(kind, words, action, self._listeners)
        self._buttons.append(made)
        return made


async def _discard(remote: RemoteUpload, uploads: "UnfinishedUploads") -> None:
    if not await claim(remote, uploads):
        raise InOtherTab(remote.key)
    try:
        await uploads.engine.ports.receipts.abort(remote.key, remote.upload_id)
    finally:
        uploads.journal.unlock(remote.key)
