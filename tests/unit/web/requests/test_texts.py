"""Texts about requests for files."""

import pytest

from ossferry_uploader.transfer.errors import ServerRefused
from support.english import speak_english
from upload_page.requests.texts import (
    about_guest,
    explain_refusal,
    facts_of,
    facts_of_file,
    folder_for,
    read_questions,
)
from upload_page.view.words.text import use_more

NOW_S = 1_800_000_000.0
SOON, EARLIER = "2027-01-15T09:00:00Z", "2027-01-15T07:00:00Z"
REQUEST = {"closed_at": None, "ends_at": SOON, "files": 0, "bytes": 0, "guests": 0, "last_at": None}

speak_english()
use_more(
    {
        "en": {
            "asked_until": "Open until {until}",
            "asked_ended": "Ended on {until}",
            "asked_closed": "Closed",
            "asked_nothing": "No file has arrived yet.",
            "asked_guests": {"one": "{count} person", "other": "{count} people"},
            "asked_last": "last file {ago}",
            "asked_answer": "{question}: {answer}",
            "ask_wrong": "The value of “{field}” is not possible.",
        }
    }
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ["Open until at 1800003600", "No file has arrived yet."]),
        ({"ends_at": EARLIER}, ["Ended on at 1799996400", "No file has arrived yet."]),
        ({"closed_at": EARLIER}, ["Closed", "No file has arrived yet."]),
        (
            {"files": 3, "bytes": 2000, "guests": 1, "last_at": EARLIER},
            [
                "Open until at 1800003600",
                "3 files",
                "2.0\u00a0kB",
                "1 person",
                "last file 1 hour ago",
            ],
        ),
    ],
    ids=["open", "ended", "closed", "with files"],
)
def test_a_request_says_whether_it_is_open_and_what_has_arrived(change, said):
    request = dict(REQUEST)
    request.update(change)

    assert facts_of(request, NOW_S) == said


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"held": False, "reason": ""}, []),
        ({"held": True, "reason": ""}, ["Being checked"]),
        ({"held": True, "reason": "Eicar"}, ["Held: Eicar"]),
    ],
    ids=["released", "not checked yet", "held"],
)
def test_a_file_that_nobody_can_read_yet_says_why(state, said):
    file = {"size": 5, "last_modified": EARLIER}
    file.update(state)

    assert facts_of_file(file)[2:] == said


def test_answers_of_a_guest_follow_the_order_of_the_questions():
    fields = [{"name": "q2", "label": "Order"}, {"name": "q1", "label": "Where"}]
    guest = {"email": "a@b.example", "fields": {"q1": "Hamburg", "q2": "4711", "gone": "x"}}

    assert about_guest(guest, fields) == ["a@b.example", "Order: 4711", "Where: Hamburg"]
    assert about_guest({"email": "", "fields": {"q1": ""}}, fields) == []


def test_guests_of_one_name_have_their_own_folders_in_the_archive():
    taken = []
    for name in ("Gus", "a/../b", "Gus", "Gus", "a_.._b"):
        taken.append(folder_for(name, taken))

    assert taken == ["Gus", "a_.._b", "Gus (2)", "Gus (3)", "a_.._b (2)"]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("Order number", ("Order number", False, [])),
        (" Order number * ", ("Order number", True, [])),
        ("Size*: S, M,, L", ("Size", True, ["S", "M", "L"])),
        ("尺寸：S、M", ("尺寸", False, ["S", "M"])),  # noqa: RUF001 - a Chinese colon
        ("المقاس: S، M", ("المقاس", False, ["S", "M"])),
    ],
)
def test_a_question_is_a_line_with_a_star_and_answers(line, field):
    label, required, choices = field
    asked = {"name": "q1", "label": label, "required": required, "choices": choices}

    assert read_questions(f"\n{line}\n :x\n *\n") == [asked]


def test_questions_have_different_names():
    assert [field["name"] for field in read_questions("a\n\nb")] == ["q1", "q2"]


@pytest.mark.parametrize(
    ("status", "detail", "said"),
    [
        (400, "fields.q1 must be text.", "The value of “Size” is not possible."),
        (400, "The body is not JSON.", "The server of this page refused the request."),
        (409, "fields.q1 must be text.", "The server of this page refused the request."),
    ],
)
def test_a_refused_value_is_told_by_the_label_of_its_field(status, detail, said):
    refused = ServerRefused(status, detail=detail)

    assert explain_refusal(refused, {"fields.q1": "Size"})[: len(said)] == said
