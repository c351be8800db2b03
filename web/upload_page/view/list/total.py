"""The line above the file list: the total progress, and buttons that act on all uploads."""

from functools import partial

from upload_page.browser.dom import by_id, element, has_focus, set_attribute, set_progress, set_text
from upload_page.view.elements import Facts, button
from upload_page.view.signals import Computed, Owner, effect
from upload_page.view.words.text import number, say, say_count, size_text, time_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions
    from upload_page.view.model import QueueModel

LONG_S = 20


def show_total(model: "QueueModel", actions: "Actions", owner: "Owner") -> "Element":
    """Return the element with the total progress of all uploads, and buttons for all uploads.

    The element is kept up to date until `owner` is disposed of.
    """
    facts = Facts()
    words = element("p", {"class": "sum"}, facts.box)
    bar = element("progress", {"aria-label": say("progress_all")})
    buttons = element("div", {"class": "bulk"})
    not_accepted = owner.run(lambda: Computed(lambda: _not_retryable(model)))

    def show_sum() -> None:
        refused = not_accepted.get()
        done = say_count("total", model.files.get() - refused, done=number(model.done.get()))
        counts = (
            ("asks", model.asks.get()),
            ("needs_details", model.lacks.get()),
            ("not_accepted", refused),
            ("already_there", model.identical.get()),
        )
        facts.show([done] + [say_count(key, n) for key, n in counts if n] + _pace(model))
        set_attribute(bar, "max", str(model.size.get() or 1))
        all_empty = not model.size.get() and model.files.get() and not model.running.get()
        set_progress(bar, 1 if all_empty else model.sent.get())

    retry = button("quiet strong", "", actions.retry_failed, owner)
    buttons.append(retry)

    def show_retry() -> None:
        failed = model.failed.get() - not_accepted.get()
        set_text(retry, say_count("retry_failed", failed))
        set_attribute(retry, "hidden", None if failed else "")

    def build() -> None:
        effect(show_sum)
        effect(show_retry)
        offer = partial(_offer, buttons, owner)
        offer("notify", actions.allow_notifications, lambda: actions.may_ask.get() and _long(model))
        offer("details_all", actions.describe_all, lambda: _is_asked(model, actions))
        offer("pause_all", actions.pause_all, lambda: model.running.get() > model.held.get())
        offer("resume_all", actions.resume_all, lambda: model.held.get())
        offer("cancel_all", actions.cancel_all, lambda: model.running.get() > 1)
        offer("next_refused", actions.show_refused, not_accepted.get)
        offer("clear_refused", actions.clear_refused, not_accepted.get)
        offer("clear", actions.clear, lambda: model.done.get() or model.cancelled.get())

    owner.run(build)
    return element("div", {"class": "total", "data-testid": "total"}, words, buttons, bar)


def _offer(
    buttons: "Element",
    owner: "Owner",
    name: str,
    action: "Callable[[], None]",
    wanted: "Callable[[], object]",
) -> None:
    """Add a button with the text `say(name)`, which is visible while `wanted()` is true.

    When a button with the focus disappears, another button gets the focus.
    """
    made = button("quiet", say(name), action, owner)
    buttons.append(made)
    is_wanted = Computed(lambda: bool(wanted()))

    def show() -> None:
        on = is_wanted.get()
        had_focus = not on and has_focus(made)
        set_attribute(made, "hidden", None if on else "")
        if had_focus:
            (buttons.querySelector("button:not([hidden])") or by_id("files")).focus()

    effect(show)


def _is_asked(model: "QueueModel", actions: "Actions") -> object:
    """Tell whether a person may fill in the operator's fields for several files at once."""
    return model.lacks.get() or (model.held.get() > 1 and actions.fields())


def _not_retryable(model: "QueueModel") -> int:
    """Return how many failed uploads cannot be retried, such as files that are too large."""
    failed: int = model.failed.get()
    if not failed:
        return 0
    return failed - len([row for row in model.rows.get() if row.upload.may_retry()])


def _pace(model: "QueueModel") -> "list[str]":
    sent, size = model.sent.get(), model.size.get()
    if not size:
        return []  # all files were empty or stored already
    parts = [say("total_bytes", sent=size_text(sent), size=size_text(size))]
    left_s = model.meter.left_s(size - sent)
    if model.quiet.get() and sent < size:
        parts.append(say("quiet"))
    elif model.moving.get() and left_s and sent < size:
        rate = model.meter.rate_bytes_per_s
        parts += [say("speed", size=size_text(rate)), time_left(left_s)]
    return parts


def _long(model: "QueueModel") -> bool:
    """Tell whether the remaining time is over `LONG_S` seconds. A notification is then useful."""
    left_s = model.meter.left_s(model.size.get() - model.sent.get())
    return bool(model.running.get() and left_s and left_s > LONG_S)
