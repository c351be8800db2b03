"""The list of share links: file, note and expiry of each link, without the URL."""

from ossferry_uploader.browser.clock import BrowserClock
from ossferry_uploader.oss.times import from_iso
from ossferry_uploader.transfer.errors import ServerRefused
from upload_page.browser.dom import clear, element, set_attribute, set_text
from upload_page.browser.own_server import server
from upload_page.view.elements import facts, file_name
from upload_page.view.words.text import moment, say, say_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from upload_page.browser.dom import Element

SHOWN = 200


class ShareLinks:
    """A collapsible list of the share links that are still valid."""

    def __init__(self) -> None:
        self._title = element("summary")
        self._list = element("div", {"class": "list", "role": "list"})
        self.box = element("details", {"class": "folded", "hidden": ""}, self._title, self._list)

    async def load(self) -> None:
        """Load the list from the server; hide the list if it is empty or the request fails."""
        try:
            made = (await server.call("GET", f"/api/shares?limit={SHOWN}"))["shares"]
        except ServerRefused:
            made = []
        now_s = BrowserClock().now_s()
        working = [link for link in made if _works(link, now_s)]
        clear(self._list)
        set_text(self._title, say_count("links", len(working)))
        set_attribute(self.box, "hidden", None if working else "")
        for link in working:
            self._list.append(_line(link))


def _works(link: "dict[str, Any]", now_s: float) -> bool:
    return not link["deleted_at"] and from_iso(link["expires_at"]) > now_s


def _line(link: "dict[str, Any]") -> "Element":
    said = [say("links_until", until=moment(from_iso(link["expires_at"])))]
    if link["note"]:
        said.append(link["note"])
    return element(
        "div",
        {"class": "upload", "role": "listitem", "data-testid": "link"},
        file_name(link["key"].rpartition("/")[2]),
        element("p", {"class": "state"}, facts(said)),
    )
