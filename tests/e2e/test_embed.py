"""The element `<oss-ferry>`: the uploader in another site's page, only for sites that the settings
name.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, FrameLocator, Page, Route
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route as ServerRoute

from e2e.conftest import ENDED_WORKER, Console, StartDemo, carols_key, reset
from e2e.pages.uploader import CHECKED_MS, SLOW_START_MS, framed
from e2e.storage_side import until
from ossferry.cli.demo import Demo
from ossferry.settings.choices import UPLOAD_ACTIONS
from support.checking import NO_SHORT_TEXTS
from support.expecting import expect
from support.mounting import BELOW, mounting_site
from support.serving import serve

pytestmark = pytest.mark.e2e

EXAMPLE = Path(__file__).parents[2] / "docs/examples/embed.html"
GUIDE = Path(__file__).parents[2] / "docs/embedding.md"
LOCAL = "http://127.0.0.1:8000"
# Keeps all events of the element, as [name, detail].
LISTEN = """<script>
window.told = [];
const keep = ({ type, detail }) => told.push([type, detail]);
for (const name of ["ready", "progress", "upload", "removed", "done", "error"])
  document.querySelector("oss-ferry").addEventListener(name, keep);
</script>"""


class Site:
    """A site that is not the server's. `body` is its page, with `LOCAL` for the server."""

    def __init__(self) -> None:
        self.url = ""
        self.reset()

    def reset(self) -> None:
        self.body = ""
        self.server = ""
        self.token = ""
        self.headers: dict[str, str] = {}
        self.asked = 0  # requests for a token

    def shows(self, attributes: str, *, script: str = "", form: str = "") -> None:
        """Let the page have the element with these attributes, and remember its events."""
        element = f"<oss-ferry {attributes}></oss-ferry>"
        self.body = f"{form}{element}{LISTEN}<script>{script}</script>"

    async def upload_token(self, _request: Request) -> Response:
        self.asked += 1
        return PlainTextResponse(self.token)

    async def page(self, _request: Request) -> Response:
        head = "<!DOCTYPE html><title>Another site</title><link rel=icon href=data:,>"
        tag = f'<script type="module" src="{self.server}/embed.js"></script>'
        text = self.body if "<html" in self.body else f"{head}{tag}<body>{self.body}</body>"
        return HTMLResponse(text.replace(LOCAL, self.server), headers=self.headers)


@pytest.fixture(scope="module")
def running_site() -> Iterator[Site]:
    made = Site()
    routes = [ServerRoute("/", made.page), ServerRoute("/upload-token", made.upload_token)]
    with serve(Starlette(routes=routes)) as made.url:
        yield made


@pytest.fixture
def site(running_site: Site) -> Site:
    """The site without a page of its own yet."""
    running_site.reset()
    return running_site


@pytest.fixture(scope="module")
def running_trusting(running_site: Site) -> Iterator[Demo]:
    with Demo(frame_origins={running_site.url: "results"}) as demo:
        yield demo


@pytest.fixture
def trusting_demo(running_trusting: Demo, site: Site) -> Demo:
    """An empty server that gives the site the level `results`."""
    reset(running_trusting)
    site.server = running_trusting.url
    return running_trusting


@contextmanager
def trusting(site: Site, **settings: Any) -> Iterator[Demo]:
    """Run a server of its own that gives the site the level `results`."""
    with Demo(**{"frame_origins": {site.url: "results"}, **settings}) as demo:
        site.server = demo.url
        yield demo


def opened(site: Site, page: Page) -> FrameLocator:
    """Open the site's page, wait until the uploader accepts files, and return its frame."""
    page.goto(site.url)
    return framed(page)


def told(page: Page, kind: str) -> list[Any]:
    """Return the details of all events of a kind."""
    events = page.evaluate("window.told")
    return [detail for name, detail in events if name == kind]


def wait_for(page: Page, kind: str, count: int = 1) -> list[Any]:
    """Wait until the element has dispatched so many events of a kind, and return their details."""
    until(page, lambda: len(told(page, kind)) >= count, timeout_s=SLOW_START_MS / 1000)
    return told(page, kind)


def element(page: Page, expression: str) -> Any:
    """Return the value of a JavaScript expression about `it`, the element."""
    return page.evaluate(
        f"(() => {{ const it = document.querySelector('oss-ferry'); return {expression}; }})()"
    )


def sample(language: str) -> str:
    """Return the sample of the guide in a language."""
    (found,) = re.findall(rf"```{language}\n(.+?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    return str(found)


def essay(name: str = "essay.txt", content: bytes = b"words") -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": content}


def objects(demo: Demo) -> dict[str, Any]:
    return dict(demo.oss.bucket(demo.bucket).objects)


def test_a_form_of_another_site_gets_the_keys_of_the_stored_files(
    site: Site, page: Page, console: Console, runtime: str
) -> None:
    site.body = EXAMPLE.read_text("utf-8")
    console.expected.append("404")  # the example has no icon
    with trusting(site, runtime=runtime) as demo:
        frame = opened(site, page)
        page.get_by_role("button", name="Hand in").click()
        assert element(page, "it.validationMessage") == "Please upload a file."
        assert page.locator("#told").inner_text() == "Nothing has been uploaded yet."
        low = page.locator("oss-ferry").bounding_box()

        for number in range(6):
            frame.locator("#files").set_input_files(essay(f"essay-{number}.txt"))

        expect(page.locator("#told")).to_have_text("1 failed")  # the sixth of at most five
        page.get_by_role("button", name="Hand in").click()
        expect(page.locator("#told")).to_have_text(re.compile("Handed in: "))
        keys = page.locator("#told").inner_text().removeprefix("Handed in: ").split(", ")
        stored = objects(demo)
        assert sorted(keys) == sorted(stored)
        assert len(keys) == 5
        assert all(re.search("/essays/[0-9-]{10}/[0-9a-f]{32}/essay-", key) for key in keys)
        assert {each.headers["x-oss-meta-reference"] for each in stored.values()} == {"term%202"}
        high = page.locator("oss-ferry").bounding_box()
        assert low is not None
        assert high is not None
        assert high["height"] > low["height"]


@pytest.mark.core
def test_each_finished_upload_is_an_event_with_its_proof(
    site: Site, page: Page, console: Console, trusting_demo: Demo
) -> None:
    site.shows("""reference="order 42" metadata='{"shop": "Köln"}'""")
    demo = trusting_demo
    page.goto(site.url)
    element(page, "it.addFiles([new File(['words'], 'essay.txt', {type: 'text/plain'})])")

    (found,) = wait_for(page, "upload")
    ((key, stored),) = objects(demo).items()
    assert found == {
        "name": "essay.txt",
        "path": "",
        "key": key,
        "url": f"{demo.settings.upload_origins[0]}/{key}",
        "size": 5,
        "type": "text/plain",
        "crc64": str(stored.crc64),
        "requestId": found["requestId"],
        "identical": False,
        "metadata": {"reference": "order 42", "shop": "Köln"},
    }
    (request,) = (each for each in demo.oss.requests if each.request_id == found["requestId"])
    assert (request.operation, request.status) == ("PostObject", 200)
    assert stored.headers["x-oss-meta-shop"] == "K%C3%B6ln"
    assert element(page, "it.value") == [key]
    assert wait_for(page, "done")[0]["done"] == 1


def test_options_of_the_site_decide_how_and_what_is_stored(
    site: Site, page: Page, console: Console, trusting_demo: Demo
) -> None:
    console.expected.append("409")  # the receipt of a file may come after its replacement
    site.shows(
        """folder="orders/7" same-name="replace" storage-class="IA" accept=".txt, image/*" """
        """max-file-size="10" lang="ja" theme="dark" sha256 """
    )
    demo = trusting_demo
    frame = opened(site, page)
    expect(frame.locator("html")).to_have_attribute("lang", "ja")
    expect(frame.locator("html")).to_have_attribute("data-theme", "dark")
    expect(frame.locator("#files")).to_have_attribute("accept", ".txt,image/*")
    frame.locator("#files").set_input_files([essay(), essay("a.pdf"), essay("b.txt", b"x" * 11)])

    assert [each["code"] for each in wait_for(page, "error", 2)] == ["wrong-type", "file-too-large"]
    (first,) = wait_for(page, "upload")
    assert re.fullmatch("uploads/[^/]+/orders/7/essay.txt", first["key"])
    found = objects(demo)[first["key"]]
    assert found.storage_class == "IA"
    assert found.headers["x-oss-meta-sha256"] == hashlib.sha256(found.data).hexdigest()
    frame.locator("#files").set_input_files(essay(content=b"changed"))
    wait_for(page, "upload", 2)
    assert [each.data for each in objects(demo).values()] == [b"changed"]

    element(page, "it.setAttribute('lang', 'en')")
    element(page, "it.setAttribute('folder', 'orders/8')")
    expect(frame.locator("html")).to_have_attribute("lang", "en")
    frame.locator("#files").set_input_files(essay())
    assert "/orders/8/" in wait_for(page, "upload", 3)[2]["key"]


def test_limits_that_change_apply_to_files_that_are_added_later(
    site: Site, page: Page, console: Console, trusting_demo: Demo
) -> None:
    site.shows("accept=.txt")
    frame = opened(site, page)
    frame.locator("#files").set_input_files(essay())
    wait_for(page, "upload")
    expect(frame.locator("#hint")).to_contain_text("only .txt")

    element(page, "it.setAttribute('accept', '.csv')")
    expect(frame.locator("#hint")).to_contain_text("only .csv")
    expect(frame.locator("#files")).to_have_attribute("accept", ".csv")
    frame.locator("#files").set_input_files(essay("b.txt"))
    assert [each["code"] for each in wait_for(page, "error")] == ["wrong-type"]

    element(page, "it.removeAttribute('accept')")
    element(page, "it.setAttribute('max-files', '1')")
    expect(frame.locator("#hint")).to_contain_text("up to 1 file")
    frame.locator("#files").set_input_files(essay("c.txt"))
    assert wait_for(page, "error", 2)[1]["code"] == "too-many-files"


def test_limits_of_the_site_apply_before_the_server_has_given_permission(
    site: Site, page: Page, console: Console, trusting_demo: Demo
) -> None:
    held: list[Route] = []
    page.route("**/api/embedding?*", lambda route: held.append(route), times=1)
    site.shows("max-files=3")
    page.goto(site.url)
    until(page, lambda: held)  # the page has the first options, and waits for the level of the site
    element(page, "it.setAttribute('max-files', '1')")
    page.route("**/api/grant", lambda route: held.append(route), times=1)
    held.pop().continue_()
    frame = framed(page)
    frame.locator("#files").set_input_files(essay("a.txt"))
    frame.locator("#files").set_input_files(essay("b.txt"))

    assert [each["code"] for each in wait_for(page, "error")] == ["too-many-files"]
    until(page, lambda: held)
    held[0].continue_()
    wait_for(page, "upload")
    assert len(objects(trusting_demo)) == 1


WRONG = [
    ("metadata", "{", "metadata must be JSON"),
    ("server", "javascript:alert(1)", "server must be an address"),
    ("server", "https://", "server must be an address"),
]


def test_files_wait_until_a_wrong_attribute_is_corrected_and_the_error_names_it(
    site: Site, page: Page, console: Console, trusting_demo: Demo
) -> None:
    console.expected.append("oss-ferry: ")
    site.shows("storage-class=Cold")
    add = "it.addFiles([new File(['%s'], '%s.txt')])"
    demo = trusting_demo
    frame = opened(site, page)
    assert wait_for(page, "error")[0]["code"] == "bad-options"
    element(page, add % ("a", "a"))
    expect(frame.locator("#grant")).to_contain_text("not set up correctly")
    element(page, "it.setAttribute('storage-class', 'IA')")
    wait_for(page, "upload")
    expect(frame.locator("#grant")).not_to_contain_text("not set up correctly")

    element(page, "it.setAttribute('max-files', 'abc')")
    wait_for(page, "error", 2)
    element(page, add % ("b", "b"))
    expect(frame.locator("#grant")).to_contain_text("max-files must be a number")
    assert len(objects(demo)) == 1
    element(page, "it.setAttribute('max-files', '9')")
    wait_for(page, "upload", 2)
    assert {each.storage_class for each in objects(demo).values()} == {"IA"}

    for count, (name, value, words) in enumerate(WRONG, 3):
        element(page, f"it.setAttribute({json.dumps(name)}, {json.dumps(value)})")
        assert words in wait_for(page, "error", count)[-1]["message"]
        if name != "server":
            element(page, f"it.removeAttribute({json.dumps(name)})")


@pytest.mark.parametrize(
    "answers",
    [
        {
            "Promise.reject(new Error('signed out'))": "getToken failed: signed out",
            "'<!doctype html>\\n'": "it must return a text of printable ASCII",
            "''": "it must return a text of printable ASCII",
        },
        pytest.param({"new Promise(() => {})": "did not answer in 15 s"}, marks=pytest.mark.slow),
    ],
    ids=["no token", "no answer"],
)
def test_without_the_token_of_the_site_nobody_uploads(
    site: Site, page: Page, console: Console, answers: dict[str, str], trusting_demo: Demo
) -> None:
    """The cookie of the demo would identify Alice."""
    console.expected.append("oss-ferry: ")
    first_answer = next(iter(answers))
    site.shows("", script=f"document.querySelector('oss-ferry').getToken = () => {first_answer}")
    demo = trusting_demo
    frame = opened(site, page)
    wait_for(page, "error")
    frame.locator("#files").set_input_files(essay())
    row = frame.get_by_test_id("upload")
    for answer, words in answers.items():
        element(page, f"(told.length = 0, it.getToken = () => {answer}, 0)")
        frame.locator("body").click()
        (first, *_) = wait_for(page, "error")
        assert (first["code"], words in first["message"]) == ("no-token", True)
        expect(row).to_have_attribute("data-state", "paused", timeout=40_000)  # 15 s per request
    expect(frame.get_by_role("button", name="Sign in")).to_have_count(0)

    element(page, "it.getToken = null")
    frame.locator("body").click()
    wait_for(page, "upload")
    assert len(objects(demo)) == 1


def test_the_style_sheet_of_the_site_sets_the_colours(
    site: Site, page: Page, console: Console, trusting_demo: Demo
) -> None:
    site.shows("")
    site.body += f"<style>{sample('css')}</style>"
    frame = opened(site, page)

    def value(name: str) -> str:
        style = "root => getComputedStyle(root).getPropertyValue('--%s')"
        return str(frame.locator("html").evaluate(style % name))

    until(page, lambda: value("accent") == "#5b3fd6")
    assert value("radius") == "6px"
    button = frame.locator(".button").first
    assert button.evaluate("it => getComputedStyle(it).borderRadius") == "4.2px"
    for accent, ink in (
        ("#5b3fd6", "light-dark(#fff, #fff)"),
        ("gold", "light-dark(#000, #000)"),
        ("light-dark(#b3261e, #f2b8b5)", "light-dark(#fff, #000)"),
    ):
        page.add_style_tag(content=f"oss-ferry {{ --ossferry-accent: {accent} !important; }}")
        element(page, "it.refresh()")
        until(page, lambda accent=accent: value("accent") == accent)  # type: ignore[misc]
        assert value("accent-ink") == ink


def test_the_background_of_the_site_shows_through_a_frame_with_its_colour_scheme(
    site: Site, page: Page, console: Console, trusting_demo: Demo
) -> None:
    console.expected.append("inline style .style-src-elem")  # of Firefox's screenshots
    site.shows("theme=dark")
    site.body += "<style>html { background: #246 }</style>"
    frame = opened(site, page)

    def is_transparent() -> bool:
        box = page.locator("oss-ferry").bounding_box()
        assert box is not None
        left, right = (
            page.screenshot(clip={"x": x, "y": box["y"], "width": 1, "height": 1})
            for x in (box["x"] - 2, box["x"])
        )
        return left == right

    for scheme, theme, expected in (
        ("dark", "dark", True),
        ("light", "dark", False),
        ("light", "light", True),
    ):
        page.add_style_tag(content=f"html {{ color-scheme: {scheme} }}")
        element(page, f"it.setAttribute('theme', '{theme}')")
        expect(frame.locator("html")).to_have_attribute("data-theme", theme)
        assert is_transparent() is expected


def test_r67_the_site_adds_files_starts_and_clears_and_a_person_removes_one(
    site: Site, page: Page, console: Console, trusting_demo: Demo
) -> None:
    site.shows("manual name=work", form="<form>")
    add = "it.addFiles([new File(['one'], 'one.txt'), new File(['two'], 'two.txt')])"
    demo = trusting_demo
    page.goto(site.url)
    element(page, add)  # before the frame is ready
    assert element(page, "it.form.checkValidity()") is False
    frame = page.frame_locator("oss-ferry iframe")
    rows = frame.get_by_test_id("upload")
    expect(rows).to_have_count(2, timeout=SLOW_START_MS)
    expect(rows.first).to_have_attribute("data-state", "paused")
    assert objects(demo) == {}
    wait_for(page, "progress")
    assert element(page, "it.form.checkValidity()") is False  # uploads have not ended

    element(page, "it.start()")
    wait_for(page, "upload", 2)
    wait_for(page, "done")
    assert element(page, "it.form.checkValidity()") is True
    assert element(page, "new FormData(it.form).getAll('work').length") == 2

    element(page, "it.setAttribute('disabled', '')")
    assert element(page, "new FormData(it.form).getAll('work')") == []
    assert element(page, "it.shadowRoot.querySelector('iframe').inert") is True
    element(page, "it.removeAttribute('disabled')")
    first, second = element(page, "it.value")
    row = frame.locator(f"[data-testid=upload][data-key='{first}']")
    row.get_by_role("button", name="Remove", exact=True).click()
    assert wait_for(page, "removed") == [{"keys": [first]}]
    assert element(page, "it.value") == [second]
    element(page, "it.form.reset()")
    expect(rows).to_have_count(0)
    assert element(page, "it.value") == []
    assert len(objects(demo)) == 2
    more = "it.addFiles([new File(['three'], 'three.txt')])"
    assert element(page, f"({more}, it.form.checkValidity())") is False
    expect(rows).to_have_count(1)
    assert element(page, f"({more}, it.form.reset(), it.value)") == []
    until(page, lambda: element(page, "it.form.checkValidity()"))
    expect(rows).to_have_count(0)
    with pytest.raises(Exception, match="addFiles takes File objects"):
        element(page, "it.addFiles(['a text'])")


def test_a_token_of_the_site_identifies_the_person(
    site: Site, page: Page, console: Console, tmp_path: Path
) -> None:
    key = carols_key(tmp_path)
    console.expected += ["401|nobody|not signed in", "oss-ferry: tags"]
    console.expected.append("dispatched|uncaught: Event")  # PyScript without storage
    elsewhere = site.url.replace("127.0.0.1", "localhost")
    settings = {
        "api_keys_file": tmp_path / "keys.json",
        "actions": UPLOAD_ACTIONS,
        "frame_origins": {site.url: "results", elsewhere: "results"},
    }
    with trusting(site, auth="apikey", **settings) as demo:
        site.shows("")
        page.goto(elsewhere)
        frame = framed(page)
        (refused,) = wait_for(page, "error")
        assert "Without getToken, cookies identify the person" in refused["message"]
        expect(frame.get_by_test_id("notice-login_ended")).to_contain_text("(getToken)")
        expect(frame.get_by_role("button", name="Sign in")).to_have_count(0)

        site.shows('tags=\'{"kind": "photo"}\'', script=sample("js"))
        site.token = "a-key-of-nobody"
        frame = opened(site, page)
        (refused,) = wait_for(page, "error")
        assert (refused["code"], "name" in refused) == ("not-identified", False)
        assert "getToken" not in refused["message"]
        frame.locator("#files").set_input_files(essay())
        expect(frame.get_by_test_id("upload")).to_have_attribute("data-state", "paused")
        assert site.asked > 1
        assert len(told(page, "error")) == 1  # however often the server refuses

        site.token = key
        files = opened(site, page).locator("#files")
        assert "tags: OSSFERRY_ACTIONS" in wait_for(page, "error")[0]["message"]
        element(page, "it.removeAttribute('tags')")
        files.set_input_files(essay())

        (found,) = wait_for(page, "upload")
        assert found["key"].startswith("uploads/carol-")
        assert list(objects(demo)) == [found["key"]]
        assert site.asked >= 4  # of these one for the grant, and one for the receipt


@pytest.mark.slow  # starts Pyodide in a frame
def test_the_site_learns_which_file_a_check_has_refused(
    site: Site, page: Page, console: Console, tmp_path: Path, runtime: str
) -> None:
    """The worker loads `checks.py` without the token of the site."""
    key = carols_key(tmp_path)
    (tmp_path / "checks.py").write_text(NO_SHORT_TEXTS)
    settings = {"auth": "apikey", "api_keys_file": tmp_path / "keys.json", "runtime": runtime}
    with trusting(
        site, checks=tmp_path / "checks.py", checks_built_in={"json": True}, **settings
    ) as demo:
        site.shows("", script=sample("js"))
        site.token = key
        files = opened(site, page).locator("#files")
        files.set_input_files([essay(), essay("a.json", b"[1,\n2"), essay("b.json", b"[1]")])

        errors = wait_for(page, "error", 2)
        assert {each["name"]: (each["code"], each["message"]) for each in errors} == {
            "essay.txt": ("file-rejected", "Line 1: Write more."),
            "a.json": (
                "file-rejected",
                "Line 2: This is not valid JSON: the file ends too early. Export it again.",
            ),
        }
        (found,) = wait_for(page, "upload")
        assert list(objects(demo)) == [found["key"]]
        assert found["name"] == "b.json"


@pytest.mark.slow
def test_a_refused_table_is_repaired_in_the_frame(
    site: Site, page: Page, console: Console, browser_name: str
) -> None:
    if browser_name == "firefox":
        console.expected.append(ENDED_WORKER)
    table = {"columns": ["id", "date"], "types": {"date": "date"}, "repair": True}
    with trusting(site, checks_built_in={"table": {**table, "keep_changes": True}}) as demo:
        site.shows("name=work", form="<form>")
        frame = opened(site, page)
        frame.locator("#files").set_input_files(essay("a.csv", b"id,date\n1,13.2.2026\n"))
        (refused,) = wait_for(page, "error")
        assert (refused["name"], refused["code"]) == ("a.csv", "file-rejected")
        frame.get_by_role("button", name="Repair table").click(timeout=CHECKED_MS)
        expect(frame.get_by_role("button", name="Find problems")).to_be_visible(timeout=CHECKED_MS)
        element(page, "it.form.reset()")
        expect(frame.get_by_test_id("dialog-repair")).to_have_count(0)

        frame.locator("#files").set_input_files(essay("a.csv", b"id,date\n1,13.2.2026\n"))
        for name in ("Repair table", "Find problems", "Convert"):
            frame.get_by_role("button", name=name).click(timeout=CHECKED_MS)
        expect(frame.get_by_test_id("dialog-repair")).to_be_in_viewport(ratio=1)
        expect(frame.get_by_text("No problems are left.")).to_be_visible()
        for name in ("Write the corrected file", "Upload the corrected file"):
            frame.get_by_role("button", name=name).click()
        table, changes = wait_for(page, "upload", 2)

        assert (table["name"], table["metadata"]["table-changed"]) == ("a.csv", "1")
        assert changes["key"] == f"{table['key']}.changes.csv"
        assert element(page, "it.value") == [table["key"], changes["key"]]
        assert objects(demo)[table["key"]].data == b"id,date\r\n1,2026-02-13\r\n"


def test_t34_a_site_with_the_level_counts_learns_counts_only(
    site: Site, start_demo: StartDemo, page: Page, console: Console
) -> None:
    site.shows("theme=dark", script="")
    demo, _ = start_demo(frame_origins=(site.url,))
    site.server = demo.url
    frame = opened(site, page)
    element(page, "it.addFiles([new File(['not wanted'], 'no.txt')])")

    frame.locator("#files").set_input_files(essay())

    assert wait_for(page, "done")[0]["done"] == 1
    assert wait_for(page, "ready") == [{"level": "counts"}]
    assert told(page, "upload") == []
    assert element(page, "it.value") == []
    assert "essay" not in json.dumps(page.evaluate("window.told"))
    assert [each.data for each in objects(demo).values()] == [b"words"]


def test_the_server_may_be_below_a_path_of_an_application(
    site: Site, start_demo: StartDemo, page: Page, console: Console
) -> None:
    demo, _ = start_demo(frame_origins={site.url: "results"})
    with mounting_site(demo) as application:
        page.goto(f"{application.url}/sign-in?next=/sign-in")
        page.get_by_role("button", name="I am Carol").click()  # the cookie is that of 127.0.0.1
        site.server = f"{application.url}{BELOW}"
        site.shows("")
        opened(site, page).locator("#files").set_input_files(essay())

        assert wait_for(page, "upload")[0]["key"].startswith("uploads/carol-")


def test_t34_no_site_gets_the_level_of_another_site(
    site: Site, start_demo: StartDemo, page: Page, console: Console
) -> None:
    trusted = "https://school.example"
    console.expected.append("target origin provided .* does not match")
    demo, _ = start_demo(frame_origins={site.url: "counts", trusted: "results"})
    site.server = demo.url
    site.body = f"""<iframe src="{LOCAL}/?embed={trusted}"></iframe><script>
    const frame = document.querySelector("iframe");
    const options = {{ ossferry: "options", value: '{{"folder": "mine"}}' }};
    const files = {{ ossferry: "files", value: [{{ file: new File(["x"], "x.txt") }}] }};
    const send = (each) => frame.contentWindow.postMessage(each, "*");
    setInterval(() => [options, files].forEach(send), 50);
    window.told = [];
    addEventListener("message", ({{ data }}) => told.push(["message", data]));
    </script>"""
    page.goto(site.url)
    frame = framed(page, "iframe")
    frame.locator("#files").set_input_files(essay())

    page.wait_for_timeout(1000)  # nothing happens, and nothing would tell
    expect(frame.get_by_test_id("upload")).to_have_count(0)
    assert told(page, "message") == []
    assert objects(demo) == {}


def test_t67_a_frame_that_is_loaded_again_is_empty_and_another_page_in_it_is_not_believed(
    site: Site, page: Page, console: Console, trusting_demo: Demo
) -> None:
    listen = "addEventListener('message', ({ data }) => told.push(['message', data]))"
    site.shows("name=work folder=mine", form="<form>", script=listen)
    frame = opened(site, page)
    frame.locator("#files").set_input_files(essay())
    wait_for(page, "upload")
    element(page, "it.shadowRoot.querySelector('iframe').src += ''")
    wait_for(page, "ready", 2)

    assert element(page, "it.value") == []
    frame.locator("#files").set_input_files(essay("other.txt"))
    key = wait_for(page, "upload", 2)[1]["key"]
    assert "/mine/" in key

    forged = {"ossferry": "upload", "value": {"key": "forged"}}
    script = f"<script>parent.postMessage({json.dumps(forged)}, '*')</script>"
    elsewhere = json.dumps(f"data:text/html,{script}")
    element(page, f"it.shadowRoot.querySelector('iframe').src = {elsewhere}")
    until(page, lambda: forged in told(page, "message"))
    assert (len(told(page, "upload")), element(page, "it.value")) == (2, [key])


@pytest.mark.skip_browser("firefox")  # in Firefox, Playwright confuses the frame with the window
def test_what_opens_in_a_high_frame_opens_where_a_person_looks(
    site: Site, page: Page, console: Console, trusting_demo: Demo
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    site.shows("")
    frame = opened(site, page)
    essays: list[FilePayload] = [essay(f"essay-{number}.txt") for number in range(40)]
    frame.locator("#files").set_input_files(essays)
    wait_for(page, "done")

    last = frame.get_by_test_id("upload").last
    last.get_by_role("button", name="Copy link").click()
    expect(frame.locator("#toast span")).to_be_in_viewport(ratio=1)
    frame.get_by_role("button", name="My uploads").click()
    mine = frame.get_by_test_id("dialog-my-uploads")
    expect(mine.get_by_test_id("stored").nth(30)).to_be_attached()

    expect(mine).to_be_in_viewport(ratio=1)
    expect(frame.locator("#dropzone")).not_to_be_in_viewport()


# Timers of the site's page take a fiftieth of the time, and `told` has the errors of all elements.
IMPATIENT = """<script>
const wait = window.setTimeout;
window.setTimeout = (run, ms) => wait(run, ms / 50);
window.told = [];
const keep = ({ type, detail }) => detail && told.push([type, detail]);
for (const name of ["ready", "error"]) addEventListener(name, keep, true);
</script>"""


def explained(page: Page, count: int = 1) -> list[str]:
    """Wait for so many errors, and return what the elements show."""
    codes = {error["code"] for error in wait_for(page, "error", count)}
    assert codes <= {"not-loaded", "bad-options"}
    return sorted(page.get_by_role("alert").all_inner_texts())


@pytest.mark.skip_browser("webkit")  # its driver finds no text in a shadow tree
def test_r66_a_frame_that_does_not_load_is_explained(
    site: Site, demo: Demo, trusting_demo: Demo, page: Page, console: Console
) -> None:
    console.expected += ["oss-ferry: ", "frame-ancestors|X-Frame-Options|chrome-error", "net::"]
    console.expected += [
        "Content.Security.Policy|frame-src",
        "Cross-Origin-Embedder-Policy|NotSameOrigin",
    ]
    servers = (demo.url, "http://127.0.0.1:1", "uploads.example")
    elements = (f"<oss-ferry required server='{each}'></oss-ferry>" for each in servers)
    site.body = f"{IMPATIENT}<form>{''.join(elements)}</form>"
    page.goto(site.url)
    assert [each.split(": ", 1)[1][:65] for each in explained(page, 3)] == [
        "OSSFERRY_FRAME_ORIGINS of the upload server does not list " + site.url[:7],
        "no upload server answers at http://127.0.0.1:1: it is down, the a",
        'server must be an address with https, not "uploads.example".',
    ]
    assert site.url in element(page, "it.validationMessage")
    assert page.locator("iframe:visible").count() == 0

    site.body = f"{IMPATIENT}<oss-ferry></oss-ferry><oss-ferry></oss-ferry>"
    for name, value, reason in (
        ("content-security-policy", "frame-src 'none'", f"must allow {site.server} in frame-src"),
        ("cross-origin-embedder-policy", "require-corp", "has not loaded the frame"),
    ):
        site.headers = {name: value}
        page.goto(site.url)
        assert [reason in each for each in explained(page, 2)] == [True, True]

    site.body = f"{IMPATIENT}<oss-ferry server='uploads.example'></oss-ferry>"
    site.headers = {}
    page.goto(site.url)
    held: list[Route] = []
    page.route("**/?embed=*", lambda route: held.append(route))
    element(page, f"it.setAttribute('server', '{site.server}')")
    wait_for(page, "error", 2)
    assert "has not loaded the frame" in explained(page)[0]
    held[0].continue_()  # it was only late
    wait_for(page, "ready")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator("oss-ferry iframe")).to_be_visible()
