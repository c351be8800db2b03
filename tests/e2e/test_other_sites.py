"""A page of another site in the same browser gets nothing. Threats T03, T05, T06 and T34."""

from typing import Any

import pytest
from playwright.sync_api import Page, Response

from ossferry.cli.demo import Demo
from support.serving import serve, site

pytestmark = pytest.mark.e2e

TOKEN_ROUTES = ("/api/grant", "/get_sts_token")
ATTACK = """async (target) => {
  const load = (tag, attribute, path) => new Promise((done) => {
    const element = Object.assign(document.createElement(tag), { [attribute]: target + path });
    if (tag === "link") element.rel = "stylesheet";
    element.onload = () => done("loaded");
    element.onerror = () => done("refused");
    document.body.append(element);
    setTimeout(() => done("silent"), 3000);
  });
  const ask = async (path, options) => {
    try { return await (await fetch(target + path, options)).text(); } catch { return "refused"; }
  };
  const all = { credentials: "include" };
  const form = Object.assign(document.createElement("form"), {
    method: "post", action: target + "/api/grant", enctype: "text/plain", target: "hidden",
  });
  document.body.insertAdjacentHTML("beforeend", "<iframe name=hidden></iframe>");
  document.body.append(form);
  form.submit();
  const result = {
    post: await ask("/api/grant", { method: "POST", ...all }),
    json: await ask("/api/grant", { method: "POST", body: "{}", ...all,
                                    headers: { "content-type": "application/json" } }),
    blind: await ask("/api/grant", { method: "POST", mode: "no-cors", body: "{}", ...all }),
    get: await ask("/get_sts_token", all),
    blindGet: await ask("/get_sts_token", { mode: "no-cors", ...all }),
    script: await load("script", "src", "/get_sts_token"),
    image: await load("img", "src", "/get_sts_token"),
    style: await load("link", "href", "/get_sts_token"),
    object: await load("object", "data", "/get_sts_token"),
    icon: await load("img", "src", "/favicon.ico"),
  };
  navigator.sendBeacon(target + "/api/grant", "{}");
  await load("iframe", "src", "/");
  await load("iframe", "src", "/get_sts_token");
  const opened = window.open(target + "/get_sts_token");
  for (let tries = 0; tries < 100; tries += 1) {
    await new Promise((done) => setTimeout(done, 50));
    try { result.opened = opened.document.body.textContent; } catch { result.opened = "refused"; }
    if (result.opened) break;
  }
  return result;
}"""
EVIL = site("<!DOCTYPE html><title>evil</title><body>")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["other site", "other port"])
def test_t03_t05_t06_t34_a_page_of_elsewhere_gets_nothing(
    demo: Demo, page: Page, host: str
) -> None:
    answers: list[Response] = []
    page.context.on("response", lambda answer: answers.append(answer))
    with serve(EVIL) as url:
        page.goto(url.replace("127.0.0.1", host))
        result: dict[str, Any] = page.evaluate(ATTACK, demo.url)
        frames = [frame.url for frame in page.frames[1:]]

    own = {answer.url.removeprefix(demo.url): answer.status for answer in answers}
    assert set(TOKEN_ROUTES) <= set(own)
    assert [
        answer.url for answer in answers if answer.url.endswith(TOKEN_ROUTES) and answer.ok
    ] == []
    assert "SecurityToken" not in str(result)
    assert "security_token" not in str(result)
    assert {result[name] for name in ("script", "image", "style", "icon")} == {"refused"}
    assert result["opened"] in ("refused", "")  # Firefox gives such a page an empty window
    assert not any(frame.startswith(demo.url) for frame in frames)


def test_t03_the_same_questions_of_our_own_page_are_answered(demo: Demo, page: Page) -> None:
    page.goto(demo.url)

    statuses = page.evaluate(
        """async () => [
          (await fetch("/api/grant", { method: "POST" })).status,
          (await fetch("/get_sts_token")).status,
        ]"""
    )

    assert statuses == [200, 200]
