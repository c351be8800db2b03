"""Text in the server's HTML stays text, and the templates use every sentence of theirs."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest
from jinja2 import UndefinedError
from starlette.requests import Request

from build import LANGUAGES
from ossferry.admin.page import admin_page
from ossferry.errors import NowhereError
from ossferry.forms.html import NAMES, FormHtml
from ossferry.forms.pages import Need
from ossferry.forms.service import SignedForm
from ossferry.http.html import render
from ossferry.http.languages import LANGUAGES as OF_THE_SERVER
from ossferry.http.problems import answer_problem
from ossferry.http.words import Words, load_words
from ossferry.ledger.receipts import Outcome
from ossferry.ledger.reports import PrincipalRow, UploadRow
from ossferry.ledger.standing import NAMES as LIMITS
from ossferry.ledger.standing import Quota
from ossferry.oss.objects import Stored
from support.ledgers import a_hold

PACKAGE = Path(__file__).parents[3] / "server/ossferry"
AT = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
EVIL = """<script>alert(1)"'onload='x' {count}&amp;"""
NO_LIMITS = Quota(**dict.fromkeys(LIMITS))
MADE = {
    "form": {f"{key}{end}" for key in ("nothing", "removed", "unchecked") for end in ("", "_words")}
    | {f"{key}{end}" for key in get_args(Need) for end in ("", "_words")}
    | {"language"},
    "admin": {"bytes_day", "objects_day", "bytes_total", "objects_total"}
    | {f"check_{outcome}" for outcome in get_args(Outcome)}
    | {"look", "release", "remove", "why"},
}
"""Keys that the code passes to the templates."""


class Seen(HTMLParser):
    """The elements of a page with the names of their attributes, and all text and values."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.texts += [value for _, value in attrs if value]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def admin(text: str, language: str) -> str:
    people = [
        PrincipalRow(
            hash=f"a1{text}",
            label=f"label{text}",
            prefix="",
            objects=1,
            bytes=1,
            last_upload=AT,
            revoked_at=AT,
            own=NO_LIMITS,
        )
    ]
    uploads = [
        UploadRow(
            recorded_at=AT,
            principal=f"a1{text}",
            label=f"label{text}",
            key=f"uploads/key{text}",
            size=1,
            crc64=f"crc{text}",
            content_type="",
            source="",
            request_id="",
            deleted_at=AT,
            checks_claimed=None,
        )
    ]
    return admin_page(
        people,
        uploads,
        [a_hold(key=f"uploads/key{text}", principal=f"a1{text}", reason=f"reason{text}")],
        styles=f"styles{text}",
        common=NO_LIMITS,
        most=1,
        base="",
        principal=f"a1{text}",
        is_gone=True,
        language=language,
    )


def forms(text: str) -> FormHtml:
    return FormHtml(styles=[f"styles{text}"], script=f"script{text}", types=[f"type{text}"])


def form(text: str, language: str) -> str:
    signed = SignedForm(
        url=f"url{text}",
        fields=[(f"name{text}", f"value{text}")],
        directory="",
        key=None,
        min_size=0,
        max_size=1,
        expires_at=AT,
    )
    return forms(text).page("form", form=signed, base="", life_s=900, language=language)


def arrived(text: str, language: str) -> str:
    stored = Stored(
        key=f"directory/key{text}",
        size=1,
        etag="",
        crc64=f"crc{text}",
        last_modified=AT,
        content_type="",
    )
    return forms(text).page(
        "arrived", stored=[stored], directory="directory/", base="", language=language
    )


def removed(text: str, language: str) -> str:
    return forms(text).page("outcome", what="removed", good=False, base="", language=language)


def onward(text: str, language: str) -> str:
    return forms(text).page(
        "onward", target=f"target{text}", base="", language=language, at_once=True
    )


EVERYWHERE = {
    admin: ("label", "a1", "uploads/key", "key", "crc", "reason", "styles"),
    form: ("url", "name", "value", "type", "styles", "script"),
    arrived: ("key", "directory/key", "crc", "styles"),
    removed: ("styles",),
    onward: ("target", "styles"),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("make", "fields"), EVERYWHERE.items(), ids=lambda each: getattr(each, "__name__", "")
)
def test_a_text_stays_text_wherever_it_is_shown(
    make: Callable[[str, str], str], fields: tuple[str, ...], language: str
) -> None:
    harmless, evil = Seen(make("", language)), Seen(make(EVIL, language))

    assert evil.elements == harmless.elements
    for field in fields:
        assert f"{field}{EVIL}" in evil.texts, field


async def test_the_texts_of_a_problem_stay_text() -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "headers": [(b"accept", b"text/html")],
        "state": {"request_id": EVIL},
    }
    answer = await answer_problem(Request(scope), NowhereError(EVIL))

    seen = Seen(bytes(answer.body).decode())
    assert "script" not in [tag for tag, _ in seen.elements]
    assert EVIL in seen.texts
    assert f"404 · {EVIL}" in seen.texts
    assert answer.headers["vary"] == "accept"  # programs get JSON at this address


def test_a_name_that_a_template_lacks_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="detail"):
        render("problem.html", base="", title="title", status=404, id="")


def test_a_value_in_a_sentence_is_escaped_and_the_sentence_too() -> None:
    words = Words("en", {"a": "'{name}' & more"})

    assert words.say("a", name="<b>") == "&#39;&lt;b&gt;&#39; &amp; more"


def test_a_plural_form_that_a_sentence_lacks_is_the_general_one() -> None:
    words = Words("en", {"lines": {"other": "{count} lines"}})

    assert [words.say_count("lines", count) for count in (1, 2000)] == ["1 lines", "2,000 lines"]


def test_no_language_is_left_out() -> None:
    assert sorted(OF_THE_SERVER) == sorted(LANGUAGES)
    assert dict(NAMES) == LANGUAGES
    files = {path.name for path in (PACKAGE / "locales").iterdir()}
    assert files == {f"{page}.{language}.json" for page in MADE for language in LANGUAGES}


def sources(page: str) -> Iterator[str]:
    for path in (PACKAGE / "templates").rglob("*.html"):
        if page in path.relative_to(PACKAGE / "templates").as_posix():
            yield path.read_text("utf-8")


@pytest.mark.parametrize("name", MADE)
def test_every_key_is_used_and_exists(name: str) -> None:
    text = "\n".join(sources(name))
    calls = "\n".join(re.findall(r"\bsay\(([^=]*?)[,)]", text))
    said = set(re.findall(r'(?<!~ )"(\w+)"', calls))
    counted = set(re.findall(r'\bsay_count\("(\w+)"', text))
    texts = load_words(name)["en"].texts

    assert said | counted | MADE[name] == set(texts)
    assert all(isinstance(texts[key], dict) for key in counted)
    assert not any(isinstance(texts[key], dict) for key in said)
