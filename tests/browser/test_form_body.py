"""The body of a small form is the one that the browser's own `FormData` would send."""

from typing import Any

import pytest
from playwright.sync_api import Page

from support.browser_page import make_app
from support.serving import serve

pytestmark = pytest.mark.browser

# Sends a form whose file is in memory, and lets the browser parse what was sent.
SEND = """async ([lines, bytes]) => {
  const file = new Uint8Array(bytes);
  const sent = new Promise((done) => {
    XMLHttpRequest.prototype.setRequestHeader = (name, value) => (sent.header = [name, value]);
    XMLHttpRequest.prototype.send = (body) => done(body.slice());
  });
  ossferry.bytesOf = () => file.buffer;
  ossferry.exchange("POST", location.origin, lines, true, new Blob([file]), 1e6, 0, null, () => {});
  const body = await sent;
  const form = await new Response(body, { headers: [sent.header] }).formData();
  const last = form.get("file");
  return {
    header: sent.header,
    fields: [...form].slice(0, -1),
    file: [last.name, last.type, ...new Uint8Array(await last.arrayBuffer())],
  };
}"""
FIELDS = [
    ["key", 'uploads/ä/测试 "q" ..txt'],
    ["x-oss-meta-note", "a: b%20c;=&"],
    ["policy", "e30="],
]


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"\r\n--x\r\n\0\xff", bytes(range(256)) * 8],
    ids=["empty", "one byte", "line ends", "all bytes"],
)
def test_fields_and_file_are_parsed_as_they_were_given(page: Page, content: bytes) -> None:
    with serve(make_app("")) as url:
        page.goto(f"{url}/micropython")
        lines = "\n".join(": ".join(field) for field in FIELDS)
        found: dict[str, Any] = page.evaluate(SEND, [lines, list(content)])

    assert found["header"][0] == "content-type"
    assert len(found["header"][1]) < 128  # a longer one would need a preflight
    assert found["fields"] == FIELDS
    assert found["file"] == ["blob", "application/octet-stream", *content]
