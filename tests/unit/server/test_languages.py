"""The page's language follows the browser."""

from pathlib import Path

import httpx
import pytest

from support.server_fakes import MakeClient

LANGUAGES = ("ja", "zh-CN", "zh-TW")


@pytest.fixture
def client(make_client: MakeClient, web_dir: Path) -> httpx.Client:
    for language in LANGUAGES:
        path = web_dir / f"index.micropython.{language}.html"
        path.write_text(f"<html lang={language}>")
    return make_client()


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, None),
        ({"accept-language": "ja"}, "ja"),
        ({"accept-language": "fr, en;q=0.5, ja;q=0.4"}, None),
        ({"accept-language": "en;q=0.1, ja-JP;q=0.9"}, "ja"),
        ({"accept-language": "zh"}, "zh-CN"),
        ({"accept-language": "zh-SG"}, "zh-CN"),
        ({"accept-language": "zh-Hant"}, "zh-TW"),
        ({"accept-language": "zh-HK,zh;q=0.9"}, "zh-TW"),
        ({"accept-language": "ja;q=0, en"}, None),
        ({"accept-language": "ja;q=x, zh-TW;q=0.1"}, "zh-TW"),
        ({"accept-language": "*"}, None),
        ({"accept-language": "en", "cookie": "ossferry_lang=ja"}, "ja"),
        ({"accept-language": "ja", "cookie": "ossferry_lang=../../etc"}, "ja"),
    ],
)
def test_choice_then_browser_then_english(
    client: httpx.Client, headers: dict[str, str], language: str | None
) -> None:
    answer = client.get("/", headers={"accept-language": "", **headers})

    assert answer.text == (
        f"<html lang={language}>" if language else "<html data-runtime=micropython>"
    )
    assert answer.headers["vary"] == "Accept-Encoding, Accept-Language, Cookie"


def test_an_address_can_name_the_language(client: httpx.Client) -> None:
    assert client.get("/?lang=zh-TW").text == "<html lang=zh-TW>"
    assert client.get("/?lang=xx").text == "<html data-runtime=micropython>"
