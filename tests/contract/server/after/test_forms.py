"""Signed forms, sent to the mock's PostObject and read back with the official SDK."""

import httpx
import pytest

from ossferry.cli.demo import Demo
from support.after_upload import become, mine, operators_bucket
from support.forms import asked, code_of, send, shown

HTML = {"accept": "text/html"}


def go_back(site: httpx.Client, answer: httpx.Response) -> httpx.Response:
    """Follow OSS's redirect and the page in between, as a browser does."""
    assert answer.status_code == 303
    between = site.get(answer.headers["location"], headers=HTML)
    target = between.text.partition("url=")[2].partition('"')[0].replace("&amp;", "&")
    return site.get(target, headers=HTML)


@pytest.mark.parametrize("name", ["größe 夏.pdf", "${filename}.txt", "a'\"<b>&.txt", "../x", "."])
def test_a_script_stores_a_file_with_a_form(after: Demo, site: httpx.Client, name: str) -> None:
    form = asked(site, name=name, size=5, type="application/pdf")

    answer = send(after, form, b"hello", name="another-name.txt")

    stored = operators_bucket(after).get_object(form["key"])
    assert answer.status_code == 200
    assert stored.read() == b"hello"
    assert stored.content_type == "application/pdf"
    assert answer.headers["x-oss-hash-crc64ecma"] == str(stored.server_crc)


def test_a_form_for_any_file_takes_the_browsers_name_and_type(
    after: Demo, site: httpx.Client
) -> None:
    form = asked(site)

    answer = send(after, form, b"hello", name="写真.png", content_type="image/png")

    key = form["key"].replace("${filename}", "写真.png")
    assert answer.status_code == 200
    assert operators_bucket(after).head_object(key).content_type == "image/png"


def test_a_person_without_scripts_sees_what_arrived_and_has_it_among_their_uploads(
    after: Demo, site: httpx.Client
) -> None:
    become(site, "bob")
    page = site.get("/form", headers=HTML)
    form = shown(page.text)

    arrived = go_back(site, send(after, form, b"hello", name="größe.txt"))

    key = form["key"].replace("${filename}", "größe.txt")
    stored = operators_bucket(after).head_object(key)
    assert arrived.status_code == 200
    assert "Your file has arrived" in arrived.text
    assert stored.headers["x-oss-hash-crc64ecma"] in arrived.text
    listed = mine(site)[key]
    assert (listed["size"], listed["crc64"]) == (5, stored.headers["x-oss-hash-crc64ecma"])
    assert listed["recorded_at"] is not None
    become(site, "alice")
    assert key not in mine(site)


def test_a_language_that_is_chosen_stays_on_all_pages(after: Demo, site: httpx.Client) -> None:
    become(site, "bob")
    page = site.get("/form?lang=ar", headers=HTML)
    arrived = go_back(site, send(after, shown(page.text), b"hello", name="a.txt"))

    another = site.get("/form", headers=HTML)
    assert ['<html lang="ar" ' in each.text for each in (arrived, another)] == [True, True]
    assert site.cookies["ossferry_lang"] == "ar"  # the upload page reads it


def test_a_second_file_by_the_same_form_is_shown_too(after: Demo, site: httpx.Client) -> None:
    form = shown(site.get("/form", headers=HTML).text)
    send(after, form, b"one", name="1.txt")

    again = send(after, form, b"other", name="1.txt")
    arrived = go_back(site, send(after, form, b"two", name="2.txt"))

    assert (again.status_code, code_of(again)) == (409, "FileAlreadyExists")
    assert arrived.text.count('data-testid="stored"') == 2
