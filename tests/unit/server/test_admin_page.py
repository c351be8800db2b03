"""`/admin` is available in the languages of the upload page."""

import re

import httpx
import pytest

from build import LANGUAGES
from ossferry.http.words import load_words
from support.server_fakes import OBJECTS, FakeStore, MakeClient

WORDS = load_words("admin")


@pytest.fixture
def client(make_client: MakeClient) -> httpx.Client:
    made = make_client(**OBJECTS, admins=["alice"], quota_objects_day=5)
    made.post("/api/grant")
    return made


@pytest.mark.parametrize("path", ["/admin", "/admin/uploads.csv"])
def test_only_an_administrator_sees_the_page(client: httpx.Client, path: str) -> None:
    statuses = [client.get(path).status_code]
    client.post("/demo/user", json={"user": "bob"})
    refused = client.get(path)

    assert [*statuses, refused.status_code] == [200, 403]
    assert refused.json()["code"] == "not-admin"
    assert refused.json()["detail"] == "Administrators are named in OSSFERRY_ADMINS."


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_comes_in_the_language_of_the_person(client: httpx.Client, language: str) -> None:
    answer = client.get("/admin", headers={"accept-language": language})

    assert f'<html lang="{language}"' in answer.text
    assert f"<h1>{WORDS[language].say('title')}</h1>" in answer.text
    assert WORDS[language].say_count("objects_day", 5) in answer.text
    assert answer.headers["vary"] == "Accept-Language, Cookie"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_page_says_of_its_checks_is_a_column_once_there_is_a_claim(
    client: httpx.Client, store: FakeStore, language: str
) -> None:
    words = WORDS[language]
    prefix = client.post("/api/grant").json()["prefix"]
    outcomes = ("passed", "changed", "passed")
    ran = [{"check": "a", "outcome": each, "says": ""} for each in outcomes]
    claim = {"checks": {"version": "", "ran": ran}}
    pages = []
    for name, more in (("x.txt", {}), ("y.txt", claim)):
        stored = store.put(f"{prefix}2026-03-14/r/{name}")
        report = {"key": stored.key, "size": stored.size, "crc64": stored.crc64, **more}
        assert client.post("/api/receipts", json=report).status_code == 200
        pages.append(client.get("/admin", headers={"accept-language": language}).text)

    assert [f">{words.say('checks')}</th>" in page for page in pages] == [False, True]
    said = f"{words.say('check_passed', number=2)}<br>{words.say('check_changed', number=1)}"
    cells = re.findall(
        f'<td class="" data-head="{re.escape(words.say("checks"))}">(.*)</td>', pages[1]
    )
    assert sorted(cells) == ["", said]


def test_a_choice_made_in_the_page_holds_here_too(client: httpx.Client) -> None:
    headers = {"accept-language": "en", "cookie": "ossferry_lang=ja"}

    answer = client.get("/admin", headers=headers)

    assert re.findall("<h1>(.*)</h1>", answer.text) == ["管理"]
