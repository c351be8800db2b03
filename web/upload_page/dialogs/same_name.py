"""The dialog for an added file whose name is taken: keep both, replace, rename or skip.

The name is in the list already, or the person has uploaded a file with it before.
"""

from ossferry_uploader.oss.keys import safe_name
from ossferry_uploader.oss.times import from_iso
from upload_page.browser.dom import element, set_attribute, set_text
from upload_page.browser.window import show_thumbnail
from upload_page.dialogs.dialog import Dialog
from upload_page.dialogs.fields import text_field
from upload_page.view.words.file_names import badge
from upload_page.view.words.text import ago, say, say_count, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ossferry_uploader.transfer.files import File
    from upload_page.browser.dom import Element
    from upload_page.view.taken_names import Old

BOTH, REPLACE, RENAME, SKIP = "keep_both", "replace", "rename", "skip"
MAX_NAME = "255"


async def ask_same_name(
    new: "File",
    old: "File | Old",
    name: str,
    more: int,
    now_s: float,
    proposal: str,
    problem: "Callable[[str], str]",
) -> "tuple[str, bool, str]":
    """Ask the person what to do with a new file that has the same name as another file.

    Args:
        new: the new file.
        old: the file in the list; or a stored file, as `TakenNames` describes it.
        name: the name of both.
        more: the number of further added files whose names are taken in the same way.
        now_s: this computer's time in seconds since 1970.
        proposal: another name for the file.
        problem: returns what is wrong with a name, as a sentence; empty if the file may have it.

    Returns:
        `(choice, for_all, name)`. `choice` is `BOTH`, `REPLACE`, `RENAME` or `SKIP`; it is `SKIP`
        if the person closes the dialog. `for_all` tells whether the choice also applies to the
        further files. `name` is the name to rename the file to.
    """
    kind = "stored_name" if isinstance(old, dict) else "same_name"
    dialog = Dialog("same-name", say(f"{kind}_title"))
    chosen = [SKIP]
    for_all = element("input", {"type": "checkbox", "id": "for-all"})
    if isinstance(old, dict):
        same, hint = old["same"], [element("p", {"class": "hint"}, say("stored_name_replace"))]
        sentence = kind if same is None else "stored_name_same" if same else "stored_name_other"
        at = ago(max(0.0, now_s - from_iso(old["stored_at"])))
        facts = say("stored_name_facts", size=size_text(old["size"]), uploaded=at)
        card = _card_of(_badge(new.name), say("stored_name_old"), facts)
    else:
        same, hint = (new.size, new.modified) == (old.size, old.modified), []
        sentence = "same_name_same" if same else kind
        card = _card(say("same_name_old"), old, now_s)
    pair = element("div", {"class": "pair"}, card, _card(say("same_name_new"), new, now_s))
    dialog.body.append(element("p", None, say(sentence, name=safe_name(name))), pair)
    dialog.body.append(*hint)
    field, rename = _name_field(proposal, problem, lambda: choose(RENAME))
    dialog.body.append(field.parentElement)
    if more:
        label = element("label", {"class": "check"}, for_all, say_count("for_all", more))
        dialog.body.append(label)

    def choose(choice: str) -> None:
        chosen[0] = choice
        dialog.close()

    both = dialog.offer(BOTH, lambda: choose(BOTH), main=not same)
    dialog.offer(REPLACE, lambda: choose(REPLACE))
    dialog.offer(RENAME, rename)
    skip = dialog.offer(SKIP, lambda: choose(SKIP), main=same)
    (skip if same else both).focus()
    await dialog.closed.wait()
    return chosen[0], bool(for_all.checked), safe_name(str(field.value))


def _name_field(
    proposal: str, problem: "Callable[[str], str]", accept: "Callable[[], None]"
) -> "tuple[Element, Callable[[], None]]":
    """Return a text field in its label, and a function that accepts its name or shows why not."""
    field = text_field("rename", maxlength=MAX_NAME, dir="auto", autocomplete="off")
    wrong = element("span", {"class": "wrong", "role": "alert"})
    field.value = proposal
    element("label", {"class": "field"}, say("rename_new"), field, wrong)

    def rename() -> None:
        reason = problem(safe_name(str(field.value)))
        set_text(wrong, reason)
        set_attribute(field, "aria-invalid", "true" if reason else None)
        if reason:
            field.focus()
        else:
            accept()

    return field, rename


def _card(title: str, file: "File", now_s: float) -> "Element":
    kind = _badge(file.name)
    if file.content_type[:6] in ("image/", "video/"):
        show_thumbnail(kind, file)
    facts = size_text(file.size)
    if file.modified:  # not of a file that a check or the repair of a table has made
        changed = ago(max(0.0, now_s - file.modified / 1000))
        facts = say("same_name_facts", size=facts, changed=changed)
    return _card_of(kind, title, facts)


def _badge(name: str) -> "Element":
    return element("span", {"class": "kind", "aria-hidden": "true"}, badge(name))


def _card_of(kind: "Element", title: str, facts: str) -> "Element":
    return element(
        "div",
        {"class": "card"},
        kind,
        element("div", None, element("b", None, title), element("p", {"class": "hint"}, facts)),
    )
