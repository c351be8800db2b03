"""The dialog for an added file whose name is already in the list: keep both, replace or skip."""

from ossferry_uploader.oss.keys import safe_name
from upload_page.browser.dom import element
from upload_page.browser.window import show_thumbnail
from upload_page.dialogs.dialog import Dialog
from upload_page.view.words.file_names import badge
from upload_page.view.words.text import ago, say, say_count, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.transfer.files import File
    from upload_page.browser.dom import Element

BOTH, REPLACE, SKIP = "keep_both", "replace", "skip"


async def ask_same_name(new: "File", old: "File", more: int, now_s: float) -> "tuple[str, bool]":
    """Ask the person what to do with an added file that has the same name as a listed file.

    Args:
        new: the added file.
        old: the file in the list.
        more: the number of further added files that have the same name as a listed file.
        now_s: this computer's time in seconds since 1970.

    Returns:
        `(choice, for_all)`. `choice` is `BOTH`, `REPLACE` or `SKIP`; it is `SKIP` if the person
        closes the dialog. `for_all` tells whether the choice also applies to the further files.
    """
    dialog = Dialog("same-name", say("same_name_title"))
    chosen = [SKIP]
    for_all = element("input", {"type": "checkbox", "id": "for-all"})
    same = (new.size, new.modified) == (old.size, old.modified)
    dialog.body.append(
        element(
            "p", None, say("same_name_same" if same else "same_name", name=safe_name(new.name))
        ),
        element(
            "div",
            {"class": "pair"},
            _card(say("same_name_old"), old, now_s),
            _card(say("same_name_new"), new, now_s),
        ),
    )
    if more:
        label = element("label", {"class": "check"}, for_all, say_count("for_all", more))
        dialog.body.append(label)

    def choose(choice: str) -> None:
        chosen[0] = choice
        dialog.close()

    both = dialog.offer(BOTH, lambda: choose(BOTH), main=not same)
    dialog.offer(REPLACE, lambda: choose(REPLACE))
    skip = dialog.offer(SKIP, lambda: choose(SKIP), main=same)
    (skip if same else both).focus()
    await dialog.closed.wait()
    return chosen[0], bool(for_all.checked)


def _card(title: str, file: "File", now_s: float) -> "Element":
    kind = element("span", {"class": "kind", "aria-hidden": "true"}, badge(file.name))
    if file.content_type[:6] in ("image/", "video/"):
        show_thumbnail(kind, file)
    changed = ago(max(0.0, now_s - file.modified / 1000))
    facts = say("same_name_facts", size=size_text(file.size), changed=changed)
    return element(
        "div",
        {"class": "card"},
        kind,
        element("div", None, element("b", None, title), element("p", {"class": "hint"}, facts)),
    )
