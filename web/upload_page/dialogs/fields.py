"""Fields with labels, for forms in dialogs and for the guests of requests."""

from upload_page.browser.dom import element

TYPE_CHECKING = False
if TYPE_CHECKING:
    from upload_page.browser.dom import Element


def stacked(label: str, field: "Element", hint: str = "") -> "Element":
    """Return a label above its field, with a hint below them."""
    made = element("label", {"class": "stacked"}, label, field)
    if hint:
        made.append(element("span", {"class": "hint"}, hint))
    return made


def text_field(name: str, **attributes: str) -> "Element":
    """Return a text field; with the attribute `rows`, it has several lines."""
    attributes.update({"name": name, "class": "text"})
    return element("textarea" if "rows" in attributes else "input", attributes)


def choice_field(name: str, choices: "list[tuple[str, str]]", chosen: str = "") -> "Element":
    """Return a select element.

    Args:
        choices: `(value, words)` of each choice.
        chosen: the value that is chosen at first.
    """
    select = element("select", {"class": "select", "name": name})
    for value, words in choices:
        select.append(element("option", {"value": value}, words))
    select.value = chosen
    return select


def tick(name: str, value: str, label: str, *, ticked: bool = False) -> "Element":
    """Return a label with a checkbox."""
    box = element("input", {"type": "checkbox", "name": name, "value": value})
    box.checked = ticked
    return element("label", {"class": "check"}, box, label)


def values_of(form: "Element") -> "dict[str, list[str]]":
    """Return the values of the fields in an element by name, without checkboxes not ticked."""
    values: dict[str, list[str]] = {}
    fields = form.querySelectorAll("[name]")
    for index in range(fields.length):
        field = fields[index]
        if str(field.type) != "checkbox" or field.checked:
            values.setdefault(str(field.name), []).append(str(field.value))
    return values
