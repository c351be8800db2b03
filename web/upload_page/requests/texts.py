"""Texts about requests for files, from the server's documents about them, and their questions."""

from ossferry_uploader.oss.times import from_iso
from ossferry_uploader.transfer.errors import ServerRefused
from upload_page.view.words.messages import explain
from upload_page.view.words.text import ago, count_files, gap, moment, say, say_count, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Document = dict[str, Any]


def facts_of(request: "Document", now_s: float) -> "list[str]":
    """Return short texts about a request: its state, and what has arrived from how many people."""
    ends_s = from_iso(request["ends_at"])
    key = "asked_until" if ends_s > now_s else "asked_ended"
    said = [say("asked_closed") if request["closed_at"] else say(key, until=moment(ends_s))]
    if not request["files"]:
        return said + [say("asked_nothing")]
    last = ago(max(0.0, now_s - from_iso(request["last_at"])))
    people = say_count("asked_guests", request["guests"])
    size = size_text(request["bytes"])
    return said + [count_files(request["files"]), size, people, say("asked_last", ago=last)]


def facts_of_file(file: "Document") -> "list[str]":
    """Return short texts about a file: size, time, and why nobody can read it, if it is held."""
    said = [size_text(file["size"]), moment(from_iso(file["last_modified"]))]
    if file["held"]:
        said.append(say("held_bad", reason=file["reason"]) if file["reason"] else say("held"))
    return said


def about_guest(guest: "Document", fields: "list[Document]") -> "list[str]":
    """Return short texts about a guest: the e-mail address, and the answers to the questions."""
    said = [guest["email"]] if guest["email"] else []
    for field in fields:
        answer = guest["fields"].get(field["name"])
        if answer:
            said.append(say("asked_answer", question=field["label"], answer=answer))
    return said


def folder_for(name: str, taken: "list[str]") -> str:
    """Return a folder of its own for the files of a guest: the second Gus has `Gus (2)`.

    Args:
        taken: the folders of the other guests.
    """
    folder = stem = name.replace("/", "_")
    number = 1
    while folder in taken:
        number += 1
        folder = f"{stem} ({number})"
    return folder


def explain_refusal(error: ServerRefused, labels: "dict[str, str]") -> str:
    """Return a sentence about a refusal; it names the field whose value the server refuses.

    Args:
        labels: what the page calls the fields, by the names with which the server's text begins.
    """
    name = error.detail.partition(" ")[0]
    if error.status == 400 and name in labels:
        return say("ask_wrong", field=labels[name])
    explanation = explain(error, origin="")
    return f"{explanation.sentence}{gap()}{explanation.next_step}"


def read_questions(text: str) -> "list[Document]":
    """Return the fields for guests that a person describes, one in a line, for the server.

    `Size *: S, M, L` is a question that must be answered with one of these answers.
    """
    fields: list[Document] = []
    for line in text.replace("：", ":").replace("،", ",").replace("、", ",").split("\n"):
        label, _, answers = line.partition(":")
        choices = [answer.strip() for answer in answers.split(",") if answer.strip()]
        label, star, _ = label.partition("*")
        if label.strip():
            field: Document = {"name": f"q{len(fields) + 1}", "label": label.strip()}
            field.update({"required": bool(star), "choices": choices})
            fields.append(field)
    return fields
