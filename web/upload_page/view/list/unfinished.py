"""The list of unfinished uploads from earlier visits, with buttons to continue or discard them."""

from functools import partial

from ossferry_uploader.oss.keys import safe_name
from upload_page.browser import window
from upload_page.browser.dom import by_id, clear, element, set_attribute
from upload_page.view.elements import button, file_name
from upload_page.view.signals import Owner, Signal, effect
from upload_page.view.words.text import ago, gap, percent, say, say_count, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.transfer.journal.checkpoint import Checkpoint
    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions
    from upload_page.view.model import QueueModel


SHOWN = 5  # records at first; a button shows more


def show_unfinished(model: "QueueModel", actions: "Actions") -> None:
    """Show the unfinished uploads in the element `#unfinished`, and keep this list up to date."""
    box = by_id("unfinished")
    listeners = Owner()
    limit = Signal(SHOWN)

    def show() -> None:
        listeners.dispose()
        clear(box)
        records = model.unfinished.get()
        set_attribute(box, "hidden", None if records else "")
        if records:
            box.append(_head(records, actions, listeners))
        for record in records[: limit.get()]:
            box.append(_line(record, model.age_s(record), actions, listeners))
        if len(records) > 1:
            box.append(_bulk(records, limit, actions, listeners))

    effect(show)


def _head(records: "list[Checkpoint]", actions: "Actions", listeners: Owner) -> "Element":
    share = percent(
        sum([record.sent for record in records]), sum([record.total for record in records])
    )
    title = element("b", None, say_count("unfinished_title", len(records), percent=share))
    ready = [record for record in records if record.can_reopen]
    words = element("p", {"class": "title"}, title)
    head = element("div", {"class": "record"}, words)
    if len(ready) < len(records):
        words.append(gap(), say(_again(bool(ready), actions.sends_whole())))
    if ready:
        action = partial(actions.continue_uploads, ready)
        head.append(button("button small", say("go_on"), action, listeners))
    return head


def _again(is_rest: bool, sends_whole: bool) -> str:
    """Return the key of the sentence that asks the person to choose the files again.

    The sentences for touch screens do not mention drag and drop.

    Args:
        is_rest: true if the browser can open some of the files itself.
        sends_whole: true if each file is sent again from its beginning.
    """
    if window.is_touched():
        if is_rest:
            return "unfinished_rest_touch"
        return "unfinished_whole_touch" if sends_whole else "unfinished_touch"
    if is_rest:
        return "unfinished_rest"
    return "unfinished_whole" if sends_whole else "unfinished"


def _line(record: "Checkpoint", age_s: float, actions: "Actions", listeners: Owner) -> "Element":
    size = size_text(record.total)
    if record.upload_id:
        share = percent(record.sent, record.total)
        words = say("unfinished_share", percent=share, size=size, ago=ago(age_s))
    else:
        words = say("unfinished_waiting", size=size, ago=ago(age_s))
    return element(
        "div",
        {"class": "record", "data-testid": "unfinished"},
        file_name(safe_name(record.name), record.path),
        element("p", {"class": "state"}, words),
        button("quiet", say("discard"), partial(actions.discard, [record]), listeners),
    )


def _bulk(
    records: "list[Checkpoint]", limit: Signal, actions: "Actions", listeners: Owner
) -> "Element":
    """Return an element with two buttons: discard all unfinished uploads, and show more uploads.

    The first button asks for confirmation. The second button exists only if some uploads are
    hidden.

    Args:
        limit: the number of shown uploads, as a signal.
    """
    buttons = element("div", {"class": "bulk"})

    def ask_back() -> None:
        clear(buttons)
        words = say_count("discard_all_sure", len(records))
        no = button("quiet", say("cancel"), offer, listeners)
        buttons.append(no, button("quiet", words, partial(actions.discard, records), listeners))
        no.focus()

    def offer() -> None:
        clear(buttons)
        buttons.append(button("quiet", say("discard_all"), ask_back, listeners))
        hidden = len(records) - limit.get()
        if hidden > 0:
            more = partial(limit.set, 10 * limit.get())
            buttons.append(button("quiet", say_count("show_more", hidden), more, listeners))

    offer()
    return buttons
