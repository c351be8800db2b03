"""The dialog that creates links to a stored file, and shows them with a QR code."""

from functools import partial

from ossferry_uploader.browser.clock import BrowserClock
from ossferry_uploader.oss.times import from_iso
from ossferry_uploader.transfer.errors import ServerRefused
from upload_page.browser.dom import clear, element, listen, set_attribute, set_text, show_toast
from upload_page.browser.own_server import server
from upload_page.browser.qr import qr_code
from upload_page.browser.window import copy_text, start
from upload_page.dialogs.dialog import Dialog
from upload_page.receipts.stored_objects import path_of
from upload_page.view.elements import button
from upload_page.view.words.messages import NOT_STORED, explain
from upload_page.view.words.text import gap, moment, say, say_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions
    from upload_page.view.signals import Owner

MUCH_SOONER = 0.1  # of the requested time
MAX_NOTE = "200"  # characters
HOUR_S = 3600
DAY_S = 86400
LIFETIMES = ((HOUR_S, "hours", 1), (DAY_S, "days", 1), (7 * DAY_S, "days", 7))
IMAGES = ("jpg", "jpeg", "png", "webp", "bmp", "gif", "tiff", "heic", "avif")
# key of the sentence, image processing of OSS
PRESETS: "tuple[tuple[str, dict[str, Any] | None], ...]" = (
    ("preset_original", None),
    ("preset_large", {"resize": {"width": 1600}, "format": "webp"}),
    ("preset_small", {"resize": {"width": 400}, "format": "webp"}),
)


async def copy_link(key: str, actions: "Actions") -> None:
    """Create a link to a stored file, valid for one day, and copy the link to the clipboard.

    If the browser does not allow copying, open the share dialog instead. If the server refuses the
    link, show the reason in a short message.

    Args:
        key: the object key of the file.
        actions: the page's actions: `mark_gone` is called if the server says that the object no
            longer exists.
    """
    try:
        made = await server.call("POST", "/api/share", {"key": key, "expires_s": DAY_S})
    except ServerRefused as error:
        show_toast(_why_not(error, key, actions))
        return
    if await copy_text(made["url"]):
        show_toast(say("link_copied", until=moment(from_iso(made["expires_at"]))))
    else:
        await show_share(key, key.rpartition("/")[2], actions)


async def show_share(key: str, name: str, actions: "Actions") -> None:
    """Open the dialog that creates links to a stored file; return when the dialog is closed.

    Args:
        key: the object key of the file.
        name: the name of the file.
        actions: the page's actions: the dialog calls `copy` to copy the link, and `mark_gone` if
            the server says that the object no longer exists.
    """
    dialog = Dialog("share", say("share_title"))
    lifetimes = _choices(
        "expires", [(str(s), say_count(f"for_{unit}", n)) for s, unit, n in LIFETIMES]
    )
    lifetimes.value = str(DAY_S)
    presets = _choices("preset", [(str(i), say(p[0])) for i, p in enumerate(PRESETS)])
    inline = element("input", {"type": "checkbox", "id": "inline"})
    note = element("input", {"class": "text", "maxlength": MAX_NOTE})
    result = element("div", {"class": "link-result", "role": "status"})
    dialog.body.append(element("p", {"class": "hint"}, element("bdi", None, name)))
    dialog.body.append(element("label", {"class": "field"}, say("share_life"), lifetimes))
    dialog.body.append(element("label", {"class": "field"}, say("share_note"), note))
    is_image = name.rpartition(".")[2].lower() in IMAGES
    if is_image:
        dialog.body.append(element("label", {"class": "field"}, say("share_preset"), presets))
        dialog.body.append(element("label", {"class": "check"}, inline, say("share_inline")))
        picture = element("img", {"class": "preview", "alt": ""})
        picture.hidden = True
        dialog.body.append(picture)
        start(_preview(key, picture))
    dialog.body.append(result)
    for field in (lifetimes, presets, inline):  # the old link has other options
        dialog.owner.on_dispose(listen(field, "change", lambda: clear(result)))

    making = [False]

    async def make() -> None:
        document: dict[str, Any] = {"key": key, "expires_s": int(str(lifetimes.value))}
        document["note"] = str(note.value)
        if is_image:
            document["process"] = PRESETS[int(str(presets.value))][1]
            document["disposition"] = "inline" if inline.checked else "attachment"
        try:
            made = await server.call("POST", "/api/share", document)
        except ServerRefused as error:
            set_text(result, _why_not(error, key, actions))
            return
        set_attribute(again, "class", "button small")  # the main button now copies the link
        await _show_link(result, made, document["expires_s"], actions, dialog.owner)

    async def make_one() -> None:
        if making[0]:
            return  # the second click of a double click
        making[0] = True
        try:
            await make()
        finally:
            making[0] = False

    again = dialog.offer("share_make", lambda: start(make_one()), main=True)
    await dialog.closed.wait()


async def _show_link(
    result: "Element", made: "dict[str, Any]", asked_s: int, actions: "Actions", owner: "Owner"
) -> None:
    clear(result)
    attributes = {"class": "text", "readonly": "", "dir": "ltr", "aria-label": say("share_link")}
    field = element("input", attributes)
    field.value = made["url"]
    copy = button(
        "button small primary", say("copy_link"), partial(actions.copy, made["url"]), owner
    )
    ends_s = from_iso(made["expires_at"])
    until = say("share_until", until=moment(ends_s))
    if asked_s - (ends_s - BrowserClock().now_s()) > MUCH_SOONER * asked_s:
        until += gap() + say("share_sooner")
    result.append(
        element("div", {"class": "field"}, field, copy),
        element("p", {"class": "hint"}, until),
        await qr_code(made["url"], say("share_qr")),
    )
    field.select()


def _why_not(error: ServerRefused, key: str, actions: "Actions") -> str:
    if error.code == NOT_STORED:
        actions.mark_gone(key, True)
    return explain(error, origin="").sentence


async def _preview(key: str, picture: "Element") -> None:
    try:
        preview = await server.call("GET", f"/api/objects/{path_of(key)}/preview?preset=preview")
    except ServerRefused:
        return  # not an image, or too large; the link works without a preview
    set_attribute(picture, "src", preview["url"])
    picture.hidden = False


def _choices(name: str, choices: "list[tuple[str, str]]") -> "Element":
    select = element("select", {"class": "select", "name": name})
    for value, words in choices:
        select.append(element("option", {"value": value}, words))
    return select
