"""One row of the list: a file, its state in words, its progress, and what can be done."""

from functools import partial

from uploader.browser.dom import (
    clear,
    element,
    has_focus,
    icon,
    listen,
    set_attribute,
    set_text,
)
from uploader.oss.keys import safe_name
from uploader.transfer import states
from uploader.view.messages import explain
from uploader.view.signals import Owner, effect
from uploader.view.text import say, size_text, time_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.browser.dom import Element
    from uploader.view.app import Actions
    from uploader.view.messages import Explanation
    from uploader.view.model import UploadModel

__all__ = ["row"]

PAUSES = {
    "": "paused",
    states.BY_PERSON: "paused",
    states.FOR_NETWORK: "paused_network",
    states.FOR_SERVER: "paused_server",
    states.FOR_LOGIN: "paused_login",
}
WORTH_A_PAUSE = 1_000_000  # bytes
PAUSE = "M7.5 5v10m5-10v10"
PLAY = "M7 5l8 5-8 5z"
CROSS = "M5.5 5.5l9 9m0-9l-9 9"


def row(model: "UploadModel", actions: "Actions", owner: Owner) -> "Element":
    """Return the row of one upload; its effects belong to `owner`."""
    upload = model.upload
    shown = safe_name(upload.file.name)
    size = upload.file.size
    words = element("p", {"class": "state"})
    bar = element("progress", {"max": str(size or 1), "aria-label": say("progress", name=shown)})
    buttons = element("div", {"class": "actions"})
    line = element(
        "li",
        {"class": "upload", "data-testid": "upload", "data-name": upload.file.name},
        element("span", {"class": "kind", "aria-hidden": "true"}, _kind(shown)),
        element("p", {"class": "name", "title": shown}, element("bdi", None, shown)),
        words,
        buttons,
        bar,
    )

    def show_state() -> None:
        state = model.state.get()
        set_attribute(line, "data-state", state)
        set_attribute(line, "data-key", upload.key or None)
        set_attribute(line, "data-crc64", upload.crc64 or None)

    def show_progress() -> None:
        state, sent = model.state.get(), model.sent.get()
        set_attribute(bar, "value", str(1 if state == states.DONE and not size else sent))
        if state != states.FAILED:
            set_text(words, _words(model, state, sent))

    def show_error() -> None:
        if model.state.get() == states.FAILED and upload.error:
            _tell(words, explain(upload.error, origin=actions.origin))

    listeners = Owner()
    owner.on_dispose(listeners.dispose)

    def show_buttons() -> None:
        _fill(buttons, model, actions, listeners)

    def build() -> None:
        effect(show_state)
        effect(show_progress)
        effect(show_error)
        effect(show_buttons)

    owner.run(build)
    return line


def _kind(name: str) -> str:
    """Return the ending as a badge of up to four letters."""
    _, dot, ending = name.rpartition(".")
    return ending.upper() if dot and 0 < len(ending) <= 4 else "···"


def _words(model: "UploadModel", state: str, sent: int) -> str:
    size = model.upload.file.size
    if state == states.UPLOADING:
        return " · ".join([say("uploading")] + _pace(model, sent))
    if state == states.VERIFYING:
        return say("verifying")
    if state == states.PAUSED:
        reason = say(PAUSES[model.paused_for.get()])
        return " · ".join([reason] + _share(sent, size))
    return f"{say(state)} · {size_text(size)}"


def _pace(model: "UploadModel", sent: int) -> "list[str]":
    size = model.upload.file.size
    parts = _share(sent, size)
    rate, left_s = model.meter.rate_bytes_per_s, model.meter.left_s(size - sent)
    if rate and left_s is not None and sent < size:
        parts += [say("speed", size=size_text(rate)), time_left(left_s)]
    return parts


def _share(sent: int, size: int) -> "list[str]":
    return [say("percent", count=100 * sent // size)] if size else []


def _tell(words: "Element", told: "Explanation") -> None:
    """Say what happened, what to do next, and the evidence below."""
    clear(words)
    words.append(
        element("span", None, told.sentence),
        " ",
        element("span", {"class": "next"}, told.next_step),
    )
    if told.detail:
        words.append(element("code", {"class": "detail"}, told.detail))


def _fill(box: "Element", model: "UploadModel", actions: "Actions", listeners: Owner) -> None:
    """Offer what the state allows; whoever had the focus here keeps it here."""
    had_focus = has_focus(box)
    listeners.dispose()
    clear(box)
    state = model.state.get()
    made: list[tuple[str, str, Callable[[UploadModel], None]]] = []
    if state in (states.FAILED, states.CANCELLED):
        made.append(("retry", "", actions.retry))
    if state == states.WAITING and not model.urgent.get():
        made.append(("send_next", "", actions.send_next))
    if state == states.UPLOADING and model.upload.file.size > WORTH_A_PAUSE:
        made.append(("pause", PAUSE, actions.pause))
    if state == states.PAUSED and model.paused_for.get() == states.BY_PERSON:
        made.append(("resume", PLAY, actions.resume))
    if state in states.ENDED:
        made.append(("remove", CROSS, actions.remove))
    else:
        made.append(("cancel", CROSS, actions.cancel))
    for key, drawing, action in made:
        button = _round_button(say(key), drawing) if drawing else _text_button(say(key))
        listeners.on_dispose(listen(button, "click", partial(action, model)))
        box.append(button)
    if had_focus:
        box.firstChild.focus()


def _text_button(name: str) -> "Element":
    return element("button", {"type": "button", "class": "quiet strong"}, name)


def _round_button(name: str, drawing: str) -> "Element":
    attributes = {"type": "button", "class": "quiet round", "aria-label": name, "title": name}
    return element("button", attributes, icon(drawing))
