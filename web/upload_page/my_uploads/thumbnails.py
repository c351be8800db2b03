"""Small pictures of stored files, which OSS makes; loaded when their lines come into sight."""

from ossferry_uploader.browser.clock import BrowserClock
from ossferry_uploader.transfer.errors import ServerRefused
from upload_page.browser.dom import element, listen, watch_nearness
from upload_page.browser.own_server import server
from upload_page.browser.window import start
from upload_page.view.words.file_names import badge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from upload_page.browser.dom import Element
    from upload_page.receipts.stored_objects import StoredObject
    from upload_page.view.signals import Owner

MOST = 20  # asked for at a time; the server gives no more
GATHER_S = 0.1  # lines that come into sight together are asked for together
ADDRESS_S = 1500  # an address is valid for half an hour at least
IMAGES = ("jpg", "jpeg", "png", "webp", "bmp", "gif", "tiff")

# {key: (address or None, time in seconds)}; the browser finds a picture of the same address again
_addresses: "dict[str, tuple[str | None, float]]" = {}


def is_image(key: str) -> bool:
    """Return whether OSS usually makes pictures of files whose keys end like this one."""
    return key.rpartition(".")[2].lower() in IMAGES


class Thumbnails:
    """The badges of a list: the extension of each file, and over it the picture, if there is one.

    Attributes:
        dispose: call this to stop loading pictures.
    """

    def __init__(self) -> None:
        self._badges: list[tuple[str, Element, Owner]] = []
        self._wanted: list[int] = []  # numbers of badges in sight
        self._is_busy = False
        self._observe, self.dispose = watch_nearness(self._moved)

    def badge(self, stored: "StoredObject", owner: "Owner") -> "Element":
        """Return the badge of a file.

        Args:
            owner: when it is disposed of, the listeners of the badge are removed.
        """
        made = element("span", {"class": "kind", "aria-hidden": "true"}, badge(stored.name))
        if is_image(stored.key) and not stored.is_held:
            made.setAttribute("data-chunk", str(len(self._badges)))
            self._badges.append((stored.key, made, owner))
            self._observe(made)
        return made

    def _moved(self, number: int, is_near: bool, _height_px: float) -> None:
        if number in self._wanted:
            self._wanted.remove(number)
        if is_near and not self._badges[number][1].firstElementChild:
            self._wanted.append(number)
            if not self._is_busy:
                self._is_busy = True
                start(self._load())

    async def _load(self) -> None:
        while self._wanted:
            await BrowserClock().sleep(GATHER_S)
            badges = [self._badges[number] for number in self._wanted[:MOST]]
            self._wanted = self._wanted[MOST:]
            try:
                await _find([key for key, _, _ in badges])
            except ServerRefused:  # the extensions are enough
                break
            for key, place, owner in badges:
                address = _addresses[key][0]
                if address and not place.firstElementChild:
                    picture = element("img", {"alt": "", "decoding": "async", "src": address})
                    owner.on_dispose(listen(picture, "error", picture.remove))
                    place.append(picture)
        self._is_busy = False


async def _find(keys: "list[str]") -> None:
    """Ask the server for the addresses that the page does not have.

    Raises:
        ServerRefused: the server does not give them.
    """
    now_s = BrowserClock().now_s()
    missing = [key for key in keys if key not in _addresses or _addresses[key][1] < now_s]
    if missing:
        answer = await server.call("POST", "/api/thumbnails", {"keys": missing})
        for file in answer["files"]:
            _addresses[file["key"]] = (file["url"], now_s + ADDRESS_S)
