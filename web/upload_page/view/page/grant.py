"""The texts in the page's drop zone: the person, the upload folder, and the limits for files."""

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.pacing.retry import waits_for
from upload_page.browser.dom import by_id, clear, element, set_attribute, set_text
from upload_page.browser.window import can_record, start
from upload_page.view.elements import button, facts
from upload_page.view.signals import effect
from upload_page.view.words.messages import explain
from upload_page.view.words.text import (
    count_files,
    gap,
    say,
    say_count,
    size_text,
    time_of_day,
    types_text,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.transfer.grants.grant import Grant
    from ossferry_uploader.transfer.grants.limits import Limits
    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions
    from upload_page.view.grant_model import GrantModel
    from upload_page.view.signals import Owner


def show_grant(model: "GrantModel") -> None:
    """Show the person, the upload folder, and when the grant (permission to upload) expires.

    If the latest request for a grant failed, show the error instead of folder and expiry. Call this
    function in an effect, so that it runs again when the grant changes.
    """
    line = by_id("grant")
    grant: Grant | None = model.grant.get()
    error: Exception | None = model.bad_options.get() or model.error.get()
    if not grant and not error:
        return  # the line may still show the number of waiting files (intake.js)
    clear(line)
    set_attribute(line, "data-trouble", "" if error else None)
    if error:
        _tell_error(line, error)
    elif grant:
        until = time_of_day(grant.expires_at_s)
        before, _, after = say("grant", prefix="\0", time=until).partition("\0")
        line.append(before, element("code", {"dir": "ltr"}, grant.prefix), after)
    if grant:
        set_attribute(by_id("files"), "accept", model.limits.get().accept() or None)
        set_text(by_id("who"), grant.principal)


def show_recording(model: "GrantModel", actions: "Actions", owner: "Owner") -> None:
    """Show a button that records, if operator and browser allow it."""
    made = button("button", say("record"), lambda: actions.record(kinds), owner)
    kinds: list[str] = []
    owner.on_dispose(made.remove)

    async def show(wanted: "list[str]") -> None:
        kinds[:] = await can_record(wanted)
        if kinds:
            by_id("choose").append(made)

    def look() -> None:
        wanted = model.recorded()
        if wanted and not kinds:
            start(show(wanted))

    owner.run(lambda: effect(look))


def show_demo(model: "GrantModel") -> None:
    """Show a banner if the page uploads to a mock of OSS; otherwise hide the banner.

    Call this function in an effect, so that it runs again when the grant changes.
    """
    banner = by_id("demo")
    sentences = [say("demo")] + ([say("demo_checks")] if model.can("checks") else [])
    set_text(banner, gap().join(sentences))
    set_attribute(banner, "hidden", None if model.can("demo") else "")


def show_limits(model: "GrantModel") -> None:
    """Show the limits for files, and the person's remaining quota.

    Call this function in an effect, so that it runs again when the limits or the quota change.
    """
    grant: Grant | None = model.grant.get()
    if not grant:
        return
    limits: Limits = model.limits.get()
    hint = [say("hint", size=size_text(limits.max_file_size)), _most(limits)]
    if limits.min_file_size:
        hint.append(say("hint_least", size=size_text(limits.min_file_size)))
    if limits.min_files:
        hint.append(say_count("hint_least_files", limits.min_files))
    if limits.max_total_size is not None:
        hint.append(say("hint_together", size=size_text(limits.max_total_size)))
    if limits.types:
        hint.append(say("hint_types", types=types_text(limits.types)))
    size, count = model.left.get()
    left = [] if size is None else [size_text(size)]
    if count is not None:
        left.append(count_files(count))
    if left:
        hint.append(say("hint_quota", left=say("comma").join(left)))
    if grant.form:
        hint.append(say("hint_whole"))
    if grant.encryption:
        hint.append(say("hint_encrypted"))
    by_id("hint").replaceChildren(facts(hint))


def _most(limits: "Limits") -> str:
    """Return how many files are allowed, as text."""
    if limits.max_total is not None:
        return say_count("hint_total", limits.max_total)
    return say_count("hint_files", limits.max_files)


def _tell_error(line: "Element", error: Exception) -> None:
    explanation = explain(error, origin="")
    if waits_for(error) in (states.FOR_NETWORK, states.FOR_SERVER):
        set_text(line, say("grant_waits", sentence=explanation.sentence))
        return
    if waits_for(error) == states.FOR_LOGIN:
        line.append(element("span", {"class": "visually-hidden"}, explanation.sentence))
        return  # for screen readers; others see a notice with a button
    if waits_for(error) == states.FOR_QUOTA:
        line.append(f"{explanation.sentence} {explanation.next_step}")
        return
    line.append(say("grant_failed", sentence=explanation.sentence, next=explanation.next_step))
    if explanation.detail:
        line.append(element("code", {"class": "detail"}, facts(explanation.detail)))
