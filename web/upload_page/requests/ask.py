"""The dialog in which a person asks others for files."""

from ossferry_uploader.browser.clock import BrowserClock
from ossferry_uploader.transfer.errors import ServerRefused
from upload_page.browser.dom import element, set_attribute, set_text, show_toast
from upload_page.browser.own_server import server
from upload_page.browser.requests import day_of, end_of
from upload_page.browser.window import start
from upload_page.dialogs.dialog import Dialog
from upload_page.dialogs.fields import choice_field, stacked, text_field, tick, values_of
from upload_page.requests.request import show_request
from upload_page.requests.texts import explain_refusal, read_questions
from upload_page.view.words.messages import explain
from upload_page.view.words.text import number, say, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions

    Document = dict[str, Any]

DAY_S = 86400
USUAL_DAYS = 7
COUNTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
SIZES = (10_000_000, 100_000_000, 1_000_000_000, 5_000_000_000, 50_000_000_000, 500_000_000_000)
# Content types by the key of their name. They are exact, because OSS accepts no others in forms.
OFFICE = "application/vnd.openxmlformats-officedocument."
DOCUMENTS = ("wordprocessingml.document", "spreadsheetml.sheet", "presentationml.presentation")
TYPES = (
    ("ask_images", "image/jpeg image/png image/heic image/heif image/webp"),
    ("ask_pdf", "application/pdf"),
    ("ask_office", " ".join([OFFICE + each for each in DOCUMENTS])),
    ("ask_videos", "video/mp4 video/quicktime video/webm"),
    ("ask_audio", "audio/mpeg audio/mp4 audio/wav audio/ogg"),
)
# Names of the fields that the server may refuse, and the keys of their labels.
LABELS = (
    ("title", "ask_name"),
    ("text", "ask_text"),
    ("ends_at", "ask_ends"),
    ("fields", "ask_fields"),
    ("types", "ask_types"),
    ("password", "ask_password"),
)


def _fields(limits: "Document") -> "list[Element]":
    """Return the fields of the dialog.

    Args:
        limits: the server's limits for requests, from `GET /api/requests`.
    """
    now_s = BrowserClock().now_s()
    days = {"min": day_of(now_s), "max": day_of(now_s + limits["longest_s"] - DAY_S)}
    ends = text_field("ends_at", type="date", required="", **days)
    ends.value = day_of(now_s + USUAL_DAYS * DAY_S)
    name = tick("ask_name", "1", say("ask_who"), ticked=True)
    more = element("details", {"class": "folded"}, element("summary", None, say("ask_more")))
    more.append(element("div", {"class": "dialog-body"}, *_options(limits)))
    return [
        stacked(say("ask_name"), text_field("title", required="", maxlength="120")),
        stacked(say("ask_text"), text_field("text", rows="4", maxlength="2000")),
        stacked(say("ask_ends"), ends),
        element("div", {"class": "pair"}, name, tick("ask_email", "1", say("ask_email"))),
        more,
    ]


def _options(limits: "Document") -> "list[Element]":
    most: Document = limits["max_file_size"]
    sizes = [(str(size), size_text(size)) for size in SIZES if size < max(most.values())]
    size = choice_field("size", [("0", say("speed_limit_off"))] + sizes, "0")
    files, guests = _counts("max_files", limits), _counts("max_guests", limits)
    password = text_field("password", autocomplete="off", minlength="8", maxlength="200")
    numbers = element("div", {"class": "pair"}, stacked(say("ask_files"), files))
    numbers.append(
        stacked(say("ask_guests"), guests),
        stacked(say("ask_size"), size),
        stacked(say("ask_password"), password, say("ask_password_hint")),
    )
    made = [numbers]
    for title, ticks in (
        ("ask_types", [tick("types", kinds, say(key)) for key, kinds in TYPES]),
        ("ask_checks", [tick("checks", each, each, ticked=True) for each in limits["checks"]]),
    ):
        is_fixed = title == "ask_types" and limits["types"]
        if ticks and not is_fixed:
            group = element("div", {"role": "group", "aria-label": say(title)}, say(title))
            group.append(element("div", {"class": "pair"}, *ticks))
            made.append(group)
    questions = text_field("fields", rows="3", placeholder=say("ask_fields_example"))
    made.append(stacked(say("ask_fields"), questions, say("ask_fields_hint")))
    if "sts" in most:
        made.append(tick("sts", "1", say("ask_resume")))
        made.append(element("p", {"class": "hint"}, say("ask_resume_hint")))
    return made


def _counts(name: str, limits: "Document") -> "Element":
    shown = [(str(count), number(count)) for count in COUNTS if count <= limits[name]]
    return choice_field(name, shown, "100")


def _wish(values: "dict[str, list[str]]", limits: "Document") -> "Document":
    """Return the request as the server reads it, from the values of the fields."""
    size = int(values["size"][0])
    checks = values.get("checks", [])
    needs_sts = "sts" in values or size > limits["max_file_size"].get("form", 0)
    return {
        "title": values["title"][0],
        "text": values["text"][0],
        "ends_at": end_of(values["ends_at"][0]),
        "fields": read_questions(values["fields"][0]),
        "types": " ".join(values.get("types", [])).split(),
        "max_file_size": size or None,
        "max_files": int(values["max_files"][0]),
        "max_guests": int(values["max_guests"][0]),
        "password": values["password"][0],
        "checks": None if checks == limits["checks"] else checks,
        "way": "sts" if needs_sts else "form",
        "ask_name": "ask_name" in values,
        "ask_email": "ask_email" in values,
    }


async def ask_for_files(actions: "Actions") -> None:
    """Open the dialog in which a person asks others for files, then that of the new request.

    Return when both are closed. If the server offers no requests, show the reason in a short
    message.
    """
    try:
        limits = (await server.call("GET", "/api/requests?limit=1"))["limits"]
    except ServerRefused as error:
        show_toast(explain(error, origin="").sentence)
        return
    dialog = Dialog("ask", say("ask_for_files"))
    trouble = element("p", {"class": "trouble", "role": "alert", "hidden": ""})
    dialog.body.append(*_fields(limits), trouble)
    dialog.body.querySelector("input").focus()
    made: list[Document] = []

    async def make() -> None:
        wrong = dialog.body.querySelector(":invalid")
        if wrong:
            more = dialog.body.querySelector("details")
            more.open = more.open or more.contains(wrong)
            wrong.reportValidity()
            return
        wish = _wish(values_of(dialog.body), limits)
        making.disabled = True
        try:
            made.append(await server.call("POST", "/api/requests", wish))
            dialog.close()
        except ServerRefused as error:
            labels = {name: say(key) for name, key in LABELS}
            set_text(trouble, explain_refusal(error, labels))
            set_attribute(trouble, "hidden", None)
        making.disabled = False

    making = dialog.offer("ask_make", lambda: start(make()), main=True)
    await dialog.closed.wait()
    for request in made:
        await show_request(request, actions)
