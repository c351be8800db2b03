"""The whole view: permission, sum and list, kept in step with the signals of the model."""

from uploader.browser.dom import (
    by_id,
    clear,
    element,
    has_focus,
    listen,
    local_time,
    set_attribute,
    set_text,
)
from uploader.browser.page import guard_leaving, set_title
from uploader.oss.keys import safe_name
from uploader.transfer import states
from uploader.transfer.plan import MAX_OBJECT_BYTES
from uploader.transfer.retry import waits_for
from uploader.view.messages import explain
from uploader.view.resume import show_unfinished
from uploader.view.rows import row
from uploader.view.signals import Owner, batch, effect
from uploader.view.text import count_files, say, size_text, time_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.browser.dom import Element
    from uploader.transfer.checkpoint import Checkpoint
    from uploader.transfer.grant import Grant
    from uploader.transfer.queue import Queue
    from uploader.view.model import QueueModel, UploadModel

__all__ = ["Actions", "show", "show_grant"]


class Actions:
    """What a person can do with an upload; `origin` is this page's, for explanations."""

    def __init__(self, queue: "Queue", model: "QueueModel", origin: str) -> None:
        self.origin = origin
        self._queue = queue
        self._model = model

    def cancel(self, item: "UploadModel") -> None:
        """Stop it."""
        self._queue.cancel(item.upload)

    def pause(self, item: "UploadModel") -> None:
        """Stop it for a while."""
        self._queue.pause(item.upload)

    def resume(self, item: "UploadModel") -> None:
        """Go on with it."""
        self._queue.resume(item.upload)

    def send_next(self, item: "UploadModel") -> None:
        """Let it go before the others."""
        self._queue.send_next(item.upload)

    def retry(self, item: "UploadModel") -> None:
        """Send it again."""
        self._queue.retry(item.upload)

    def remove(self, item: "UploadModel") -> None:
        """Take it off the list."""
        self._queue.remove(item.upload)
        self._model.remove(item)

    def discard(self, record: "Checkpoint") -> None:
        """Give up what an earlier page left."""
        self._queue.discard(record)

    def clear(self) -> None:
        """Take all that arrived or was cancelled off the list."""
        ended = [
            item
            for item in self._model.rows.get()
            if item.state.get() in (states.DONE, states.CANCELLED)
        ]

        def remove_all() -> None:
            for item in ended:
                self.remove(item)

        batch(remove_all)


def show(model: "QueueModel", actions: Actions) -> None:
    """Build sum and list into `#uploads` and keep them in step."""
    box = by_id("uploads")
    rows = element("ul", {"class": "list"})
    box.append(_sum(model, actions), rows)
    shown: list[tuple[UploadModel, Element, Owner]] = []

    def show_rows() -> None:
        wanted = model.rows.get()
        if len(wanted) < len(shown):
            kept = {id(item) for item in wanted}
            for index in range(len(shown) - 1, -1, -1):
                item, line, owner = shown[index]
                if id(item) not in kept:
                    had_focus = has_focus(line)
                    owner.dispose()
                    line.remove()
                    shown.pop(index)
                    if had_focus:
                        _focus_near(index, [line for _, line, _ in shown])
        for item in wanted[len(shown) :]:
            owner = Owner()
            line = row(item, actions, owner)
            shown.append((item, line, owner))
            rows.append(line)
            _announce_end(item, actions, owner)
        set_attribute(box, "hidden", None if wanted else "")

    effect(show_rows)
    show_unfinished(model, actions)
    effect(lambda: set_title(_title(model)))
    effect(lambda: guard_leaving(model.running.get() > 0))


def _focus_near(index: int, lines: "list[Element]") -> None:
    """Give the focus of a row that went to the row in its place, or to the file chooser."""
    if lines:
        lines[min(index, len(lines) - 1)].querySelector("button").focus()
    else:
        by_id("files").focus()


def show_grant(grant: "Grant | None", error: "Exception | None") -> None:
    """Say what this page may do, or why it may do nothing."""
    line = by_id("grant")
    clear(line)
    set_attribute(line, "data-trouble", "" if error else None)
    if error:
        told = explain(error, origin="")
        if waits_for(error):
            set_text(line, say("grant_waits", sentence=told.sentence))
        else:
            set_text(line, say("grant_failed", sentence=told.sentence, next=told.next_step))
            if told.detail:
                line.append(element("code", {"class": "detail"}, told.detail))
    elif grant:
        before, _, after = say("grant", prefix="\0", time=local_time(grant.expires_at_s)).partition(
            "\0"
        )
        line.append(before, element("code", None, grant.prefix), after)
        limit = min(grant.max_file_size, MAX_OBJECT_BYTES)
        set_text(by_id("hint"), say("hint", size=size_text(limit)))
        set_text(by_id("who"), grant.principal)


def _sum(model: "QueueModel", actions: Actions) -> "Element":
    words = element("p", {"class": "sum"})
    bar = element("progress", {"aria-label": say("uploads")})
    button = element("button", {"type": "button", "class": "quiet"}, say("clear"))
    listen(button, "click", actions.clear)

    def show_sum() -> None:
        clear(words)
        done = say("total", done=model.done.get(), files=count_files(model.files.get()))
        words.append(element("b", None, done), " ", "· " + " · ".join(_pace(model)))
        set_attribute(bar, "max", str(model.size.get() or 1))
        all_empty = not model.size.get() and model.files.get() and not model.running.get()
        set_attribute(bar, "value", str(1 if all_empty else model.sent.get()))

    def show_button() -> None:
        states_shown = [item.state.get() for item in model.rows.get()]
        clearable = states.DONE in states_shown or states.CANCELLED in states_shown
        if not clearable and has_focus(button):
            by_id("files").focus()
        set_attribute(button, "hidden", None if clearable else "")

    effect(show_sum)
    effect(show_button)
    return element("div", {"class": "total", "data-testid": "total"}, words, button, bar)


def _pace(model: "QueueModel") -> "list[str]":
    sent, size = model.sent.get(), model.size.get()
    parts = [say("total_bytes", sent=size_text(sent), size=size_text(size))]
    left_s = model.meter.left_s(size - sent)
    if model.running.get() and left_s and sent < size:
        rate = model.meter.rate_bytes_per_s
        parts += [say("speed", size=size_text(rate)), time_left(left_s)]
    return parts


def _title(model: "QueueModel") -> str:
    size = model.size.get()
    if not model.running.get() or not size:
        return say("title")
    return say("title_busy", percent=100 * model.sent.get() // size)


def _announce_end(item: "UploadModel", actions: Actions, owner: Owner) -> None:
    """Tell assistive technology once how an upload ended."""
    name = safe_name(item.upload.file.name)

    def announce() -> None:
        state = item.state.get()
        if state == states.DONE:
            set_text(by_id("announce"), say("announce_done", name=name))
        elif state == states.FAILED and item.upload.error:
            told = explain(item.upload.error, origin=actions.origin)
            set_text(by_id("announce"), say("announce_failed", name=name, sentence=told.sentence))

    owner.run(lambda: effect(announce))
