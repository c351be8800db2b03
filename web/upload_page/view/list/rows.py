"""One row of the file list: a file, its state in words, its progress, and its buttons."""

from functools import partial

from ossferry_uploader.oss.keys import safe_name
from ossferry_uploader.transfer import states
from upload_page.browser.dom import (
    clear,
    element,
    has_focus,
    icon,
    set_attribute,
    set_progress,
    set_text,
)
from upload_page.browser.window import show_thumbnail
from upload_page.view.elements import CROSS, Facts, button, facts, file_name
from upload_page.view.signals import Owner, effect
from upload_page.view.words.file_names import badge
from upload_page.view.words.messages import Explanation, at_line, explain
from upload_page.view.words.text import gap, percent, say, size_text, time_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions
    from upload_page.view.model import UploadModel

    Offer = tuple[str, str, Callable[[UploadModel], None]]

PAUSES = {
    "": "paused",
    states.BY_PERSON: "paused",
    states.FOR_NETWORK: "paused_network",
    states.FOR_STORAGE: "paused_storage",
    states.FOR_SERVER: "paused_server",
    states.FOR_LOGIN: "paused_login",
    states.FOR_QUOTA: "paused_quota",
    states.FOR_TAB: "paused_tab",
    states.FOR_DETAILS: "paused_details",
}
WORTH_A_PAUSE = 1_000_000  # bytes
PAUSE = "M7.5 5v10m5-10v10"
PLAY = "M7 5l8 5-8 5z"


class _Row:
    """The elements of a row, and the effects that update the row when the upload changes."""

    def __init__(self, model: "UploadModel", actions: "Actions") -> None:
        file = model.upload.file
        shown = safe_name(model.upload.name)
        self.model = model
        self.actions = actions
        self.listeners, self.helpers = Owner(), Owner()
        self.edited = model.upload.edited
        self.said: tuple[object, ...] = ()
        self.facts = Facts()
        self.words = element("p", {"class": "state"}, self.facts.box)
        self.bar = element(
            "progress", {"max": str(file.size or 1), "aria-label": say("progress", name=shown)}
        )
        self.buttons = element("div", {"class": "actions", "role": "group", "aria-label": shown})
        self.kind = element("span", {"class": "kind", "aria-hidden": "true"}, badge(shown))
        attributes = {"class": "upload", "role": "listitem", "data-testid": "upload"}
        self.name = file_name(shown, file.path)
        self.line = element(
            "div", attributes, self.kind, self.name, self.words, self.buttons, self.bar
        )
        set_attribute(self.line, "data-name", model.upload.name)
        set_attribute(self.line, "data-number", str(model.upload.number))
        self._show_picture(file)

    def follow(self) -> None:
        """Start the effects that update the row.

        Call this with `Owner.run`, so that the owner can stop the effects.
        """
        effect(self._show_file)
        effect(self._show_state)
        effect(self._show_progress)
        effect(self._show_error)
        effect(lambda: _fill(self.buttons, self.model, self.actions, self.listeners))

    def _show_picture(self, file: "Any") -> None:
        if not self.model.upload.is_stream and file.content_type[:6] in ("image/", "video/"):
            show_thumbnail(self.kind, file)

    def _show_file(self) -> None:
        """Show another name, which checks or a person have given, and a picture that was edited."""
        file, called = self.model.file.get(), self.model.name.get()
        if self.edited is not self.model.upload.edited:
            self.edited = self.model.upload.edited
            set_text(self.kind, badge(safe_name(called)))
            self._show_picture(file)
        if str(self.line.getAttribute("data-name")) == called:
            return
        shown = safe_name(called)
        name = file_name(shown, file.path)
        self.name.replaceWith(name)
        self.name = name
        if not self.kind.firstElementChild:  # no thumbnail
            set_text(self.kind, badge(shown))
            self._show_picture(file)
        set_attribute(self.line, "data-name", called)
        set_attribute(self.buttons, "aria-label", shown)
        set_attribute(self.bar, "aria-label", say("progress", name=shown))

    def _show_state(self) -> None:
        upload = self.model.upload
        set_attribute(self.line, "data-state", self.model.state.get())
        reason = self.model.paused_for.get()
        asks = reason == states.FOR_ANSWER and upload.check.questions()
        asks = asks or reason == states.FOR_DETAILS
        set_attribute(self.line, "data-asks", "" if asks else None)
        set_attribute(self.line, "data-gone", "" if self.model.gone.get() else None)
        set_attribute(self.line, "data-key", self.model.key.get() or None)
        set_attribute(self.line, "data-crc64", upload.crc64 or None)
        set_attribute(self.line, "data-identical", "" if upload.identical else None)

    def _show_progress(self) -> None:
        model = self.model
        state, sent, size = model.state.get(), model.sent.get(), model.file.get().size
        checks = model.check.get()
        if state == states.CHECKING:
            set_attribute(self.bar, "max", "100")
            set_progress(self.bar, checks[1])
        elif not model.upload.is_stream:  # the size of a stream is unknown
            set_attribute(self.bar, "max", str(size or 1))
            set_progress(self.bar, 1 if state == states.DONE and not size else sent)
        if state == states.FAILED:
            self.said = ()
            return
        left, doing = model.parts_left.get(), model.doing.get()
        marks = (model.quiet.get(), model.gone.get(), model.held.get(), left, doing)
        flags = (model.paused_for.get(), model.all_left.get(), marks)
        step = sent if model.upload.progress.is_open() else 100 * sent // (size or 1)
        news = (state, flags, step, model.meter.rate_bytes_per_s, checks, size)
        if news != self.said:  # making the sentences costs more than the rest of this function
            if not self.said:  # an error may be shown in place of the facts
                self.words.replaceChildren(self.facts.box)
            self.said = news
            self.facts.show(_words(model, state, sent))

    def _show_error(self) -> None:
        self.helpers.dispose()
        error = self.model.upload.error
        if self.model.state.get() == states.FAILED and error:
            explanation = explain(error, origin=self.actions.origin)
            _tell(
                self.words,
                explanation,
                _helpers(self.model, explanation, self.actions, self.helpers),
            )


def row(model: "UploadModel", actions: "Actions", owner: Owner) -> "Element":
    """Return the element that shows one upload in the file list.

    The element is kept up to date until `owner` is disposed of.
    """
    made = _Row(model, actions)
    owner.on_dispose(made.listeners.dispose)
    owner.on_dispose(made.helpers.dispose)
    owner.run(made.follow)
    return made.line


def _words(model: "UploadModel", state: str, sent: int) -> "list[str]":
    if state == states.CHECKING or model.paused_for.get() == states.FOR_ANSWER:
        return _question(model) if state == states.PAUSED else _checks(model)
    upload = model.upload
    size = upload.file.size
    doing = model.doing.get()
    if doing in ("again", "errors") and state in (states.UPLOADING, states.VERIFYING):
        return [say(doing), size_text(size)]
    if state == states.UPLOADING:
        if model.all_left.get() and size and not upload.progress.is_open():
            return [say("finishing")]
        checking = doing or (upload.progress.is_unproved and not upload.progress.parts)
        return [say("checking" if checking else "uploading")] + _pace(model, sent)
    if state == states.VERIFYING:
        return [say("finishing")]
    if state == states.PAUSED:
        reason = model.paused_for.get()
        more = [size_text(size)] if reason == states.FOR_DETAILS else _share(sent, size)
        return [say(PAUSES[reason])] + more
    if model.parts_left.get():
        return [say("cancelled_left")]
    if model.gone.get():
        return [say("gone"), size_text(size)]
    if upload.identical:
        return [say("identical"), size_text(size)]
    return [say("held_sent" if state == states.DONE and model.held.get() else state), _size(model)]


def _size(model: "UploadModel") -> str:
    """Return the size of a file; the sizes before and after, if checks or a person changed it."""
    before, after = size_text(model.upload.source.size), size_text(model.upload.file.size)
    if not model.upload.made or before == after:
        return after
    return say("changed_size", before=before, after=after)


def _checks(model: "UploadModel") -> "list[str]":
    name, share = model.check.get()
    if not name:
        return [say("check_waiting"), size_text(model.upload.file.size)]
    return [say("check_running")] + ([percent(share, 100)] if share else [])


def _question(model: "UploadModel") -> "list[str]":
    """Return how the checks have changed the file, and their questions."""
    check = model.upload.check
    questions = [at_line(text, line) for text, line in check.questions()]
    if not model.upload.made:
        return questions
    ran = check.verdict.ran if check.verdict else []
    says = [check["says"] for check in ran if check["outcome"] == "changed"]
    return [_size(model)] + [text for text in says if text] + questions


def _pace(model: "UploadModel", sent: int) -> "list[str]":
    size = model.upload.file.size
    if model.upload.progress.is_open():
        return [size_text(sent)]
    parts = _share(sent, size)
    rate, left_s = model.meter.rate_bytes_per_s, model.meter.left_s(size - sent)
    if rate and left_s is not None and sent < size and not model.quiet.get():
        parts += [say("speed", size=size_text(rate)), time_left(left_s)]
    return parts


def _share(sent: int, size: int) -> "list[str]":
    return [percent(sent, size)] if size else []


def _tell(words: "Element", explanation: "Explanation", buttons: "list[Element]") -> None:
    """Show the explanation of an error in the element `words`, followed by `buttons`."""
    clear(words)
    words.append(element("span", None, explanation.sentence))
    if (
        explanation.next_step and not explanation.notice
    ):  # else the notice above the list says what to do
        words.append(gap(), element("span", {"class": "next"}, explanation.next_step))
    if explanation.detail:
        words.append(element("code", {"class": "detail"}, facts(explanation.detail)))
    if buttons:
        words.append(element("span", {"class": "helpers"}, *buttons))


def _helpers(
    model: "UploadModel", explanation: "Explanation", actions: "Actions", listeners: Owner
) -> "list[Element]":
    """Return the buttons that help a person with a failed upload.

    They copy a report, show the requests, and explain a signature error.

    Args:
        explanation: of the upload's error.
        listeners: the owner of the buttons' listeners.
    """
    if not model.upload.may_retry():
        return []  # the cause is known, such as a file that is too large
    copy = partial(actions.copy_report, model)
    made = [button("link", say("copy_report"), copy, listeners)]
    times = partial(actions.open_dialog, "timeline", actions, model.upload)
    made.append(button("link", say("timeline_of"), times, listeners))
    if explanation.signature:
        show = partial(actions.open_dialog, "signature", model.upload.error)
        made.append(button("link", say("explain_signature"), show, listeners))
    return made


def _offers(model: "UploadModel", actions: "Actions") -> "list[Offer]":
    """Return the buttons for the state of an upload.

    Returns:
        A list of `(key, icon, action)`. `key` is the key of the button's text. `icon` is the path
        of an icon, or an empty text. `action` is the function to call.
    """
    state = model.state.get()
    made: list[Offer] = []
    is_released = state == states.DONE and not (model.gone.get() or model.held.get())
    if is_released and actions.can("share"):
        made.append(("copy_link", "", actions.copy_link))
        made.append(("share", "", actions.share))
    if model.leaving.get():
        made.append(("undo", "", actions.undo))
    elif state == states.CANCELLED or model.upload.may_retry():
        made.append(("retry", "", actions.retry))
    made += _answers(model, actions)
    reason = model.paused_for.get()
    if not model.leaving.get() and model.upload.may_describe():
        made.append(("details", "", actions.describe))
    if state == states.WAITING and not model.urgent.get():
        made.append(("send_next", "", actions.send_next))
    size = model.upload.file.size
    # Pausing a single request after its last byte would only send all bytes again.
    keeps = not model.upload.is_single or not model.all_left.get()
    if state in (states.UPLOADING, states.VERIFYING) and size > WORTH_A_PAUSE and keeps:
        made.append(("pause", PAUSE, actions.pause))
    if state == states.PAUSED and reason == states.BY_PERSON:
        made.append(("resume", PLAY, actions.resume))
    if state in states.ENDED:
        made.append(("remove", CROSS, actions.remove))
    else:
        made.append(("cancel", CROSS, actions.cancel))
    return made


def _answers(model: "UploadModel", actions: "Actions") -> "list[Offer]":
    """Return the buttons for what the checks say about a file."""
    upload = model.upload
    made: list[Offer] = []
    if upload.may_repair():
        made.append(("repair", "", actions.repair))
    if model.state.get() == states.PAUSED and model.paused_for.get() == states.FOR_ANSWER:
        if upload.check.can_undo:
            made.append(("upload_original", "", actions.upload_original))
        key = "upload_anyway" if upload.check.questions() else "upload_now"
        if upload.may_repair() and not upload.made:
            key = "upload_original"
        made.append((key, "", actions.upload_anyway))
    return made


def _fill(box: "Element", model: "UploadModel", actions: "Actions", listeners: Owner) -> None:
    """Replace the buttons in `box` by the buttons for the upload's state.

    If an old button had the focus, the first new button gets the focus.
    """
    had_focus = has_focus(box)
    listeners.dispose()
    clear(box)
    for key, drawing, action in _offers(model, actions):
        name, kind = say(key), "quiet round" if drawing else "quiet strong"
        content = icon(drawing) if drawing else name
        made = button(kind, content, partial(action, model), listeners)
        if drawing:
            set_attribute(made, "aria-label", name)
            set_attribute(made, "title", name)
        made.dataset.does = key
        box.append(made)
    if had_focus:
        box.firstChild.focus()
