"""Sends signed forms like browsers and scripts, and modifies them like attackers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx

from ossferry.cli.demo import Demo

FORM = re.compile(r'<form [^>]*?action="([^"]*)"')
HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


@dataclass(frozen=True, slots=True)
class Form:
    """A form without its file."""

    url: str
    fields: list[tuple[str, str]]

    def bent(self, changes: Mapping[str, str | None]) -> "Form":
        """Return the form with changed fields: None removes a field, new fields are appended."""
        kept = [(name, changes.get(name, value)) for name, value in self.fields]
        known = dict(self.fields)
        kept += [(name, value) for name, value in changes.items() if name not in known]
        return replace(self, fields=[(name, value) for name, value in kept if value is not None])

    def __getitem__(self, name: str) -> str:
        return dict(self.fields)[name]


def asked(site: httpx.Client, **wish: Any) -> Form:
    """Return the form in the answer of `POST /api/form`."""
    answer = site.post("/api/form", json=wish)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return Form(found["url"], [(name, value) for name, value in found["fields"]])


def shown(page: str) -> Form:
    """Return the form of the page `GET /form`."""
    found = FORM.search(page)
    assert found is not None
    fields = [(unescape(name), unescape(value)) for name, value in HIDDEN.findall(page)]
    return Form(unescape(found[1]), fields)


def send(
    demo: Demo,
    form: Form,
    content: bytes = b"hello",
    *,
    name: str = "hello.txt",
    content_type: str = "text/plain",
) -> httpx.Response:
    """Post a form with a file to the mock, without resolving the bucket's host name."""
    host = urlsplit(form.url).netloc
    with httpx.Client(trust_env=False) as client:
        return client.post(
            f"http://127.0.0.1:{demo.oss.port}/",
            headers={"host": host},
            data=dict(form.fields),
            files={"file": (name, content, content_type)},
        )


def code_of(answer: httpx.Response) -> str:
    """Return the error code of OSS's answer; empty without one."""
    found = re.search("<Code>(.*?)</Code>", answer.text)
    return found[1] if found else ""
