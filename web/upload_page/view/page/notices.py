"""Notices above the file list about problems that concern all files, with buttons to solve them."""

from collections import namedtuple
from functools import partial

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.grants.quota import Left
from ossferry_uploader.transfer.pacing.retry import waits_for
from upload_page.browser import window
from upload_page.browser.dom import by_id, clear, element, set_attribute, set_text
from upload_page.view.elements import button
from upload_page.view.signals import Owner, effect
from upload_page.view.words.messages import Explanation, explain
from upload_page.view.words.text import gap, say, say_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions
    from upload_page.view.grant_model import GrantModel
    from upload_page.view.model import QueueModel

    Offer = tuple[str, Callable[[], None]]

SKEW_WORTH_TELLING_S = 300
UNFOLDED = 2  # notices; more would push the list out of the window


# A sentence, an optional second sentence (`more`), and buttons (`offers`). `key` is the kind of the
# notice, such as `quota`; `bad` shows it as an error.
_Notice = namedtuple("_Notice", ("key", "words", "more", "offers", "bad"))


def _facts(notice: _Notice) -> "list[str]":
    """Return the key, the sentence and the button names of a notice.

    The elements of the notice are built again only if one of these values has changed.
    """
    return [notice.key, notice.words] + [name for name, _ in notice.offers]


def show_notices(model: "QueueModel", grant: "GrantModel", actions: "Actions") -> None:
    """Show notices about problems of all files in the element `#notice`, and update them.

    Examples are an outage, a used-up quota and a wrong clock. A notice can have buttons.
    """
    box = by_id("notice")
    listeners = Owner()
    shown: list[list[object]] = [[]]
    rests: list[list[Element]] = [[]]

    def show() -> None:
        notices = (
            _needs_files(model, grant, actions)
            + _waits(model, grant, actions)
            + _quota(model, grant, actions)
            + _failures(model, actions)
            + _conditions(model, grant)
        )
        facts: list[object] = [_facts(notice) for notice in notices]
        if facts != shown[0]:
            shown[0] = facts
            listeners.dispose()
            clear(box)
            boxes = [_box(notice, listeners) for notice in notices]
            rests[0] = [made.querySelector(".rest") for made in boxes]
            box.append(*boxes[:UNFOLDED])
            if len(boxes) > UNFOLDED:
                box.append(_folded(boxes[UNFOLDED:]))
            set_attribute(box, "hidden", None if notices else "")
        for index, notice in enumerate(notices):  # a count changes often: keep the buttons
            set_text(rests[0][index], notice.more)

    effect(show)


def _waits(model: "QueueModel", grant: "GrantModel", actions: "Actions") -> "list[_Notice]":
    notices = []
    refused = grant.error.get()
    sign_in = [("sign_in", actions.sign_in)] if actions.offers_sign_in.get() else []
    reason_refused = waits_for(refused) if refused else ""
    for reason, key, offers in (
        (states.FOR_NETWORK, "offline", [("try_now", actions.try_now)]),
        (states.FOR_STORAGE, "storage_away", [("try_now", actions.try_now)]),
        (states.FOR_SERVER, "server_away", [("try_now", actions.try_now)]),
        (states.FOR_LOGIN, "login_ended", sign_in),
    ):
        count = model.waits[reason].get()
        is_login = reason == states.FOR_LOGIN
        sentence = ""
        if is_login and reason_refused == reason and (refused.reason or not count):
            sentence = explain(refused, origin=actions.origin).sentence
        if not count and not sentence:
            continue
        hosts = _hosts(grant) if reason == states.FOR_STORAGE else ""
        more = [say("login_by_site")] if is_login and not offers else []
        if count:
            more.append(say_count("notice_waiting", count))
        words = sentence or say(f"notice_{key}", host=hosts)
        notices.append(_Notice(key, words, gap().join(more), offers, False))
    return notices


def _hosts(grant: "GrantModel") -> str:
    latest = grant.grant.get()
    origins = latest.bucket.origins if latest else []
    return say("comma").join([origin.partition("://")[2] for origin in origins])


def _needs_files(model: "QueueModel", grant: "GrantModel", actions: "Actions") -> "list[_Notice]":
    limits = grant.limits.get()
    if not (limits and limits.min_files and model.running.get()):
        return []
    model.files.get()  # `missing_files` may change with these
    model.failed.get()
    missing = actions.uploader.queue.missing_files()
    words = say_count("more_needed", missing)
    return [_Notice("more-needed", words, "", [], False)] if missing else []


def _quota(model: "QueueModel", grant: "GrantModel", actions: "Actions") -> "list[_Notice]":
    """Return a notice if the quota is used up or too small for all files in the list.

    Returns:
        A list with one notice. The list is empty if the quota is sufficient.
    """
    waiting = model.waits[states.FOR_QUOTA].get()
    if not waiting and _fits(model, grant):
        return []
    error = grant.error.get()
    if error and waits_for(error) == states.FOR_QUOTA:
        explanation = explain(error, origin=actions.origin)
        words, more = explanation.sentence, explanation.next_step
    else:
        words, more = say("no_room"), say("no_room_next")
    if waiting:
        more += gap() + say_count("notice_waiting", waiting)
    offers = [("my_uploads", actions.show_my_uploads)] if actions.can("objects") else []
    if waiting:
        offers = offers + [("try_now", actions.try_now)]
    return [_Notice("quota", words, more, offers, False)]


def _fits(model: "QueueModel", grant: "GrantModel") -> bool:
    size, count = grant.left.get()
    if size is None and count is None:
        return True  # without reading sums, which change often
    return Left(size, count).has(model.needs.get(), model.running.get())


def _failures(model: "QueueModel", actions: "Actions") -> "list[_Notice]":
    """Return one notice for each kind of failure that concerns all files."""
    explanations: dict[str, Explanation] = {}
    if model.failed.get():
        for item in model.rows.get():
            error = item.upload.error
            if error and item.upload.state == states.FAILED:
                explanation = explain(error, origin=actions.origin)
                if explanation.notice:
                    explanations[explanation.notice] = explanation
    return [
        _Notice(
            key,
            explanations[key].sentence,
            explanations[key].next_step,
            _offers(explanations[key], actions),
            True,
        )
        for key in sorted(explanations)
    ]


def _offers(explanation: "Explanation", actions: "Actions") -> "list[Offer]":
    offers: list[Offer] = []
    if explanation.to_copy:
        offers.append(("copy_rule", partial(actions.copy, explanation.to_copy)))
    offers.append(("retry_all", actions.retry_failed))
    return offers


def _conditions(model: "QueueModel", grant: "GrantModel") -> "list[_Notice]":
    notices = []
    skew_s = grant.skew_s.get()
    if abs(skew_s) > SKEW_WORTH_TELLING_S:
        key = "clock_slow" if skew_s > 0 else "clock_fast"
        minutes = (abs(skew_s) + 30) // 60
        words = say_count(f"notice_{key}", minutes)
        notices.append(_Notice(key, words, say("notice_clock_more"), [], False))
    if not window.is_secure() and model.running.get():
        more = say("notice_insecure_more")
        notices.append(_Notice("insecure", say("notice_insecure"), more, [], False))
    if model.forgetful.get():
        notices.append(_Notice("forgetful", say("notice_forgetful"), "", [], False))
    return notices


def _folded(boxes: "list[Element]") -> "Element":
    title = element("summary", None, say_count("notices_more", len(boxes)))
    return element("details", {"class": "folded"}, title, *boxes)


def _box(notice: _Notice, listeners: Owner) -> "Element":
    kind = "notice bad" if notice.bad else "notice"
    buttons = element("div", {"class": "bulk"})
    for name, action in notice.offers:
        buttons.append(button("button small", say(name), action, listeners))
    rest = element("span", {"class": "rest"})
    words = element("p", None, element("b", None, notice.words), gap(), rest)
    attributes = {"class": kind, "data-testid": f"notice-{notice.key}"}
    return element("div", attributes, words, buttons)
