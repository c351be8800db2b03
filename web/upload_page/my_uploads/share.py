"""The dialog that creates links to stored files, and shows them with a QR code."""

from functools import partial

from ossferry_uploader.oss.times import from_iso
from ossferry_uploader.transfer.errors import ServerRefused
from upload_page.browser.dom import clear, element, listen, set_attribute, set_text, show_toast
from upload_page.browser.own_server import server
from upload_page.browser.qr import qr_code
from upload_page.browser.window import copy_text, start
from upload_page.dialogs.dialog import Dialog
from upload_page.dialogs.fields import choice_field, text_field, tick, values_of
from upload_page.my_uploads.processing import FORMATS, MAX_WATERMARK_BYTES, SIDES, process_of
from upload_page.my_uploads.thumbnails import is_image
from upload_page.receipts.stored_objects import path_of
from upload_page.view.elements import button
from upload_page.view.words.messages import NOT_STORED, explain
from upload_page.view.words.text import moment, number, say, say_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions
    from upload_page.view.signals import Owner

MAX_NOTE = "200"  # characters
MAX_FILES = 50  # of one link; the server takes no more
HOUR_S = 3600
DAY_S = 86400
LIFETIMES = ((HOUR_S, "hours", 1), (DAY_S, "days", 1), (7 * DAY_S, "days", 7)) + (
    (30 * DAY_S, "days", 30),
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
        wish = {"key": key, "expires_s": DAY_S, "revocable": True}
        made = await server.call("POST", "/api/share", wish)
    except ServerRefused as error:
        show_toast(_why_not(error, key, actions))
        return
    if await copy_text(made["url"]):
        show_toast(say("link_copied", until=moment(from_iso(made["expires_at"]))))
    else:
        await show_share(key, key.rpartition("/")[2], actions)


async def show_share(
    key: str, name: str, actions: "Actions", more_keys: "list[str] | None" = None
) -> None:
    """Open the dialog that creates links to stored files; return when the dialog is closed.

    Args:
        key: the object key of the file.
        name: the name of the file, or their number.
        more_keys: the object keys of other files for the same link, at most `MAX_FILES - 1`.
        actions: the page's actions: the dialog calls `copy` to copy the link, and `mark_gone` if
            the server says that the object no longer exists.
    """
    dialog = Dialog("share", say("share_title"))
    lives = [(str(s), say_count(f"for_{unit}", n)) for s, unit, n in LIFETIMES]
    lifetimes = choice_field("expires", lives, str(DAY_S))
    note = text_field("note", maxlength=MAX_NOTE)
    password = text_field("password", minlength="8", maxlength="200")
    most = text_field("most", type="number", min="1", max="1000000")
    result = element("div", {"class": "link-result", "role": "status"})
    dialog.body.append(element("p", {"class": "hint"}, element("bdi", None, name)))
    for words, field in (("share_life", lifetimes), ("share_note", note)):
        dialog.body.append(element("label", {"class": "field"}, say(words), field))
    dialog.body.append(_more_options(password, most))
    others = more_keys or []
    watermark = text_field("watermark", maxlength=str(MAX_WATERMARK_BYTES))
    if is_image(key) and not others:
        dialog.body.append(_picture_options(watermark), tick("inline", "1", say("share_inline")))
        dialog.body.append(_preview(key))
    # the old link has other options
    dialog.owner.on_dispose(listen(dialog.body, "change", lambda: clear(result)))
    dialog.body.append(result)

    async def make() -> None:
        is_long = len(str(watermark.value).encode()) > MAX_WATERMARK_BYTES
        watermark.setCustomValidity(say("share_watermark_long") if is_long else "")
        for field in (password, most, watermark):
            if not field.checkValidity():
                field.closest("details").open = True
                field.reportValidity()
                return
        wish = _wish(key, others, values_of(dialog.body))
        try:
            made = await server.call("POST", "/api/share", wish)
        except ServerRefused as error:
            set_text(result, _why_not(error, "" if others else key, actions))
            return
        set_attribute(again, "class", "button small")  # the main button now copies the link
        await _show_link(result, made, actions, dialog.owner)

    async def make_one() -> None:
        if again.disabled:
            return  # the second click of a double click
        again.disabled = True
        await make()
        again.disabled = False

    again = dialog.offer("share_make", lambda: start(make_one()), main=True)
    await dialog.closed.wait()


def _wish(key: str, others: "list[str]", values: "dict[str, list[str]]") -> "dict[str, Any]":
    """Return the body of the request for a link, from the values of the dialog's fields."""
    wish: dict[str, Any] = {"key": key, "more_keys": others, "revocable": True}
    wish["note"] = values["note"][0]
    wish["expires_s"] = int(values["expires"][0])
    wish["password"] = values["password"][0] or None
    most = values["most"][0]
    wish["max_opens"] = int(most) if most else None
    if "watermark" in values:
        wish["process"] = process_of(values)
        wish["disposition"] = "inline" if "inline" in values else "attachment"
    return wish


def _more_options(password: "Element", most: "Element") -> "Element":
    return element(
        "details",
        {"class": "folded"},
        element("summary", None, say("share_more")),
        element("label", {"class": "field"}, say("share_password"), password),
        element("label", {"class": "field"}, say("share_most"), most),
    )


def _picture_options(watermark: "Element") -> "Element":
    original = ("", say("preset_original"))
    sides = [(side, say("preset_pixels", pixels=number(int(side)))) for side in SIDES]
    made = element("details", {"class": "folded"}, element("summary", None, say("share_picture")))
    for words, field in (
        ("share_resize", choice_field("resize", [original] + sides)),
        ("share_format", choice_field("format", [original] + list(FORMATS))),
        ("share_watermark", watermark),
    ):
        made.append(element("label", {"class": "field"}, say(words), field))
    return made


async def _show_link(
    result: "Element", made: "dict[str, Any]", actions: "Actions", owner: "Owner"
) -> None:
    clear(result)
    field = text_field("link", readonly="", dir="ltr")
    set_attribute(field, "aria-label", say("share_link"))
    field.value = made["url"]
    copy = button(
        "button small primary", say("copy_link"), partial(actions.copy, made["url"]), owner
    )
    until = say("share_until", until=moment(from_iso(made["expires_at"])))
    result.append(
        element("div", {"class": "field"}, field, copy),
        element("p", {"class": "hint"}, until),
        await qr_code(made["url"], say("share_qr")),
    )
    field.select()


def _why_not(error: ServerRefused, key: str, actions: "Actions") -> str:
    if error.code == "no-preview":
        return say("share_no_picture")
    if error.code == NOT_STORED and key:
        actions.mark_gone(key, True)
    return explain(error, origin="").sentence


def _preview(key: str) -> "Element":
    picture = element("img", {"class": "preview", "alt": ""})
    picture.hidden = True
    start(_load_preview(key, picture))
    return picture


async def _load_preview(key: str, picture: "Element") -> None:
    try:
        preview = await server.call("GET", f"/api/objects/{path_of(key)}/preview?preset=preview")
    except ServerRefused:
        return  # not an image, or too large; the link works without a preview
    if preview["kind"] == "image":  # the name may say so without reason
        set_attribute(picture, "src", preview["url"])
        picture.hidden = False
