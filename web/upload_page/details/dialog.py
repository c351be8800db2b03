"""The dialog in which a person renames a file and fills in the operator's fields."""

from ossferry_uploader.oss.errors import OSSError
from ossferry_uploader.oss.keys import safe_name
from ossferry_uploader.transfer.errors import IllegalMove, TransferError
from ossferry_uploader.transfer.options import metadata_of
from upload_page.browser.dom import (
    by_id,
    element,
    has_focus,
    set_attribute,
    set_text,
    show_toast,
    subscribe,
)
from upload_page.browser.window import start
from upload_page.details.rules import NUMBERS, YES_OR_NO, cleaned, problem, stored
from upload_page.dialogs.dialog import Dialog
from upload_page.dialogs.fields import choice_field, stacked, text_field, values_of
from upload_page.view.elements import button
from upload_page.view.signals import effect
from upload_page.view.words.messages import explain
from upload_page.view.words.text import say, say_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions
    from upload_page.view.model import UploadModel

    Field = dict[str, Any]

NAME = "name"
LINE = 120  # characters; a field for longer texts has several lines
MAX_NAME = "255"
PICTURES = ("image/jpeg", "image/png", "image/webp")


def _value(item: "UploadModel", field: "Field") -> str:
    """Return the value of a field that an upload has, a check has found, or is the default."""
    upload = item.upload
    given = upload.options.metadata.get(metadata_of(field["name"]))
    found = upload.check.verdict.details if upload.check.verdict else {}
    return str(given or found.get(field["name"]) or field["default"])


def _input(field: "Field", name: str, value: str) -> "Element":
    kind, limits = field["kind"], field["limits"]
    if kind in ("choice", "boolean"):
        words = [(each, each) for each in field["choices"]]
        if kind == "boolean":
            words = [(each, say(f"details_{each}")) for each in YES_OR_NO]
        return choice_field(name, [("", "")] + words, value)
    more = {"dir": "auto"}
    if kind == "date":
        more = {"type": "date"}
    elif kind in NUMBERS:
        more = {"inputmode": "numeric" if kind == "integer" else "decimal", "autocomplete": "off"}
    elif limits.get("max_length", LINE + 1) > LINE:
        more["rows"] = "3"
    made = text_field(name, **more)
    made.value = value
    return made


class _Panel:
    """The fields of the dialog, for one upload or for several."""

    def __init__(self, items: "list[UploadModel]", actions: "Actions") -> None:
        self._actions = actions
        self._one = items[0] if len(items) == 1 else None
        self._fields = actions.fields()
        title = say("details") if self._one else say_count("details_of", len(items))
        self.dialog = Dialog("details", title)
        self._inputs: dict[str, Element] = {}
        self._wrong: dict[str, Element] = {}
        if self._one:
            name = text_field(NAME, maxlength=MAX_NAME, dir="auto", autocomplete="off")
            name.value = self._one.upload.name
            self._add(NAME, say("details_name"), name)
        for field in self._fields:
            values = [_value(item, field) for item in items]
            common = values[0] if values.count(values[0]) == len(values) else ""
            required = field["required"]
            label = field["label"] if required else say("details_optional", label=field["label"])
            name = f"field.{field['name']}"
            made = _input(field, name, common)
            set_attribute(made, "aria-required", "true" if required else None)
            self._add(name, label, made, field["help"])
        if self._one and self._one.upload.source.content_type in PICTURES:
            self._offer_editing(self._one)
        if self._one and not self._one.upload.is_stream:
            self._offer_sha256()
        self.dialog.offer("details_save", lambda: self._save(items), main=True)
        self.dialog.owner.run(lambda: effect(lambda: self._close_when_sent(items)))
        if self._one and self._fields and len(actions.described()) > 1:
            self.dialog.offer("details_save_all", lambda: self._save(actions.described()))
        self.dialog.body.querySelector("[name]").focus()

        def press(event: "Element") -> None:
            if event.isComposing or str(event.key) != "Enter":
                return  # the Enter key of an input method ends a word
            if str(event.target.type) in ("text", "number", "date"):
                event.preventDefault()
                self._save(items)

        self.dialog.owner.on_dispose(subscribe(self.dialog.body, "keydown", press))

    def _add(self, name: str, label: str, made: "Element", hint: str = "") -> None:
        wrong = element("span", {"class": "wrong", "role": "alert"})
        line = stacked(label, made, hint)
        line.append(wrong)
        self._inputs[name], self._wrong[name] = made, wrong
        self.dialog.body.append(line)

    def _refuse(self, name: str, words: str) -> bool:
        """Show what is wrong with a value, or remove that, and return whether something is."""
        set_text(self._wrong[name], words)
        set_attribute(self._inputs[name], "aria-invalid", "true" if words else None)
        return bool(words)

    def _read(self, items: "list[UploadModel]") -> "dict[str, str] | None":
        """Return the values as metadata; `None` if one is wrong, which the dialog then shows."""
        values = values_of(self.dialog.body)
        details: dict[str, str] = {}
        wrong = []
        for field in self._fields:
            name = f"field.{field['name']}"
            text = cleaned(field, values[name][0])
            found = problem(field, text)
            is_left = not text and len(items) > 1  # each file keeps its own value
            if is_left and all(_has(item, field) for item in items):
                found = None
            if self._refuse(name, say(found[0], **found[1]) if found else ""):
                wrong.append(name)
            if not is_left:
                details.update(stored(field, text))
        if self._one and self._refuse(
            NAME, "" if values[NAME][0].strip() else say("details_missing")
        ):
            wrong.append(NAME)
        if wrong:
            self._inputs[NAME if NAME in wrong else wrong[0]].focus()
        return None if wrong else details

    def _close_when_sent(self, items: "list[UploadModel]") -> None:
        """Close the dialog if none of the uploads waits any more, or the only one is removed."""
        waiting = [each for each in items if each.state.get() and each.upload.may_describe()]
        if not waiting or (self._one and not self._actions.has(self._one)):
            self.dialog.close()

    def _save(self, items: "list[UploadModel]") -> None:
        details = self._read(items)
        if details is None:
            return
        name = safe_name(values_of(self.dialog.body)[NAME][0]) if self._one else ""
        if self._apply(items, name, details):
            self.dialog.close()

    def _apply(self, items: "list[UploadModel]", name: str, details: "dict[str, str]") -> bool:
        """Change the uploads, and return whether the dialog may close."""
        begun = 0
        for item in items:
            called = name if item is self._one else item.upload.name
            try:
                self._actions.change_details(item, called, details, is_last=item is items[-1])
            except IllegalMove:
                begun += 1
            except TransferError as error:  # the ending is not allowed
                explanation = explain(error, origin="")
                self._refuse(NAME, explanation.sentence)
                self._inputs[NAME].focus()
                return False
            except ValueError:
                show_toast(say("details_too_long"))
                return False
        if begun:
            show_toast(say_count("details_begun", begun))
        return begun < len(items)

    def _offer_editing(self, item: "UploadModel") -> None:
        actions = self._actions
        self.dialog.body.append(
            button(
                "button small",
                say("details_picture"),
                lambda: actions.open_dialog("picture", item, actions),
                self.dialog.owner,
            )
        )

    def _offer_sha256(self) -> None:
        item: Any = self._one
        shown = element("code", {"class": "sha256"}, item.upload.sha256)
        box = element("div", {"role": "status"}, "SHA-256", shown)
        self.dialog.body.append(box)

        async def compute() -> None:
            set_attribute(computing, "disabled", "")
            try:
                sha256 = self._actions.uploader.ports.checksum.sha256
                set_text(shown, await sha256(item.upload.file))
                computing.remove()
            except (OSSError, TransferError) as error:
                set_text(shown, explain(error, origin="").sentence)
                set_attribute(computing, "disabled", None)

        computing = button(
            "link", say("details_sha256"), lambda: start(compute()), self.dialog.owner
        )
        if not item.upload.sha256:
            box.append(computing)


def _has(item: "UploadModel", field: "Field") -> bool:
    return metadata_of(field["name"]) in item.upload.options.metadata


async def show_details(items: "list[UploadModel]", actions: "Actions") -> None:
    """Open the dialog for one upload, or for several, which wait until it is closed."""
    if not items:
        return
    actions.edit(items, True)
    try:
        await _Panel(items, actions).dialog.closed.wait()
    finally:
        actions.edit(items, False)
    if not has_focus(by_id("main")):  # the row has other buttons now
        by_id("files").focus()


async def use_found(item: "UploadModel", actions: "Actions") -> None:
    """Use what a check has found for the fields that the person has not filled in."""
    found, item.upload.check.details = item.upload.check.details, {}
    details = {}
    for field in actions.fields():
        text = cleaned(field, found.get(field["name"], ""))
        if text and not _has(item, field) and not problem(field, text):
            details.update(stored(field, text))
    try:
        actions.change_details(item, item.upload.name, details)
    except IllegalMove:
        return  # a person has cancelled the upload meanwhile
    except ValueError:
        show_toast(say("details_too_long"))
    actions.edit([item], False)
