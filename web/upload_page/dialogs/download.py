"""Save stored files: one as it is, several as one ZIP archive, in a dialog with the progress."""

from ossferry_uploader.browser.clock import BrowserClock
from ossferry_uploader.transfer.errors import ServerRefused
from upload_page.browser.dom import element, set_attribute, set_progress, set_text, show_toast
from upload_page.browser.downloads import Archive, download
from upload_page.browser.own_server import server
from upload_page.browser.window import start
from upload_page.dialogs.dialog import Dialog
from upload_page.receipts.archive_paths import archive_paths
from upload_page.view.words.messages import NOT_STORED, explain
from upload_page.view.words.text import say, say_count, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from upload_page.receipts.stored_objects import StoredObject

LINKS = 20  # asked for at a time; the server gives no more
LINK_S = 1800  # then a link is asked for again; it is valid for an hour
NEXT_DOWNLOAD_S = 0.5  # browsers drop a download that begins while another one does


class _Links:
    """The addresses of stored files, asked for when they are needed.

    Attributes:
        missing: the number of files that the server no longer has, or holds.
    """

    def __init__(self, files: "list[StoredObject]") -> None:
        self._keys = [stored.key for stored in files]
        self._urls: dict[str, str | None] = {}
        self._asked_s = 0.0
        self.missing = 0

    async def of(self, index: int) -> "str | None":
        """Return the address of a file, or `None` if the server has it no more.

        Raises:
            ServerRefused: the server does not give the address.
        """
        key, now_s = self._keys[index], BrowserClock().now_s()
        if key not in self._urls or now_s > self._asked_s + LINK_S:
            wish: dict[str, object] = {"keys": self._keys[index : index + LINKS]}
            answer = await server.call("POST", "/api/downloads", wish)
            self._urls = {file["key"]: file["url"] for file in answer["files"]}
            self._asked_s = now_s
        url = self._urls[key]
        self.missing += url is None
        return url


class _Download:
    """The dialog of a ZIP archive that is being made."""

    def __init__(
        self, files: "list[StoredObject]", paths: "list[str]", name: str, archive: Archive
    ) -> None:
        self._files, self._paths = files, archive_paths(paths)
        self._name, self._archive = name, archive
        self._links = _Links(files)
        self._size = sum([stored.size for stored in files])
        self._arrived = self._bytes = 0
        self.dialog = Dialog("download", say_count("download_selected", len(files)))
        self._state = element("p", {"role": "status"})
        label = {"max": str(max(1, self._size)), "aria-label": say("zip_progress")}
        self._bar = element("progress", label)
        self.dialog.body.append(self._bar, self._state)
        self._ending = self.dialog.offer("cancel", self.dialog.close)
        self.dialog.owner.on_dispose(self._end)

    def _end(self) -> None:
        if self._archive.place != "nowhere":
            self._archive.close()

    def _progress(self, size: int) -> None:
        self._bytes += size
        set_progress(self._bar, self._bytes)
        done = size_text(self._bytes)
        words = {"done": str(self._arrived), "size": done, "whole": size_text(self._size)}
        set_text(self._state, say_count("zip_done", len(self._files), **words))

    async def save(self) -> None:
        """Make the archive, and show how that ended."""
        self._progress(0)
        try:
            problem = await self._archive.start(self._progress) or await self._add_all()
        except ServerRefused as error:
            problem = explain(error, origin="").sentence
        if self.dialog.closed.is_set():
            return
        if problem:
            self._show_end(say("zip_stopped", reason=problem))
        else:
            self._show_end(say("zip_saved", name=self._name))

    async def _add_all(self) -> str:
        for index, stored in enumerate(self._files):
            url = await self._links.of(index)
            if url is None:
                continue
            problem = await self._archive.add(self._paths[index], url, stored.size, stored.at_s)
            if problem:
                return problem
            self._arrived += 1
            self._progress(0)
        return await self._archive.finish()

    async def save_singly(self) -> None:
        """Save the files one after the other, because the browser has no room for an archive."""
        self._bar.remove()
        set_attribute(self._ending, "disabled", "")
        try:
            for index in range(len(self._files)):
                url = await self._links.of(index)
                if url is not None and not self.dialog.closed.is_set():
                    download(url)
                    await BrowserClock().sleep(NEXT_DOWNLOAD_S)
            words = ""
        except ServerRefused as error:
            words = say("zip_stopped", reason=explain(error, origin="").sentence)
        set_attribute(self._ending, "disabled", None)
        self._show_end(words)

    def ask_singly(self) -> None:
        """Say that the files have to come one by one, with a button that starts it."""
        self._bar.remove()
        set_text(self._state, say("zip_singly"))

        def go_on() -> None:
            starting.remove()
            start(self.save_singly())

        starting = self.dialog.offer("go_on", go_on, main=True)

    def _show_end(self, words: str) -> None:
        if self._links.missing:
            words = f"{words} {say_count('zip_missing', self._links.missing)}"
        set_text(self._state, words)
        set_text(self._ending, say("close"))


async def save_files(files: "list[StoredObject]", paths: "list[str]", name: str) -> None:
    """Let the person save stored files, and return when the dialog for several is closed.

    Args:
        files: the files; those that are held are left out.
        paths: folders and name of each file in the archive.
        name: the name of the archive's file, without its ending.
    """
    wanted = [index for index, stored in enumerate(files) if not stored.is_held]
    files, paths = [files[index] for index in wanted], [paths[index] for index in wanted]
    try:
        if len(files) == 1:
            url = await _Links(files).of(0)
            if url is None:
                raise ServerRefused(404, code=NOT_STORED)
            download(url)
            return
        name = archive_paths([f"{name}.zip".replace("/", "_")])[0]
        archive = await Archive.open(name, sum([stored.size for stored in files]))
    except ServerRefused as error:
        show_toast(explain(error, origin="").sentence)
        return
    if archive.place == "cancelled":
        return
    shown = _Download(files, paths, name, archive)
    if archive.place == "nowhere":
        shown.ask_singly()
    else:
        start(shown.save())
    await shown.dialog.closed.wait()
