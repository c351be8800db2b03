"""`/admin` is available in the languages of the upload page."""

import re
from collections.abc import Callable, Iterator

import httpx
import pytest

from build import LANGUAGES
from ossferry.app import create_app
from ossferry.http.words import load_words
from ossferry.settings.model import Settings
from support.app_client import app_client
from support.server_fakes import OBJECTS, FakeClock, FakeStore, FakeSts

WORDS = load_words("admin")


@pytest.fixture
def client(
    make_settings: Callable[..., Settings], sts: FakeSts, clock: FakeClock, store: FakeStore
) -> Iterator[httpx.Client]:
    settings = make_settings(**OBJECTS, admins=["alice"], quota_objects_day=5)
    with app_client(create_app(settings, assume_role=sts, clock=clock, store=store)) as made:
        made.post("/api/grant")
        yield made


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


def test_a_choice_made_in_the_page_holds_here_too(client: httpx.Client) -> None:
    headers = {"accept-language": "en", "cookie": "ossferry_lang=ja"}

    answer = client.get("/admin", headers=headers)

    assert re.findall("<h1>(.*)</h1>", answer.text) == ["管理"]
