"""The page's side of the checks: what happens when a worker is slow, or has ended unseen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from ossferry_checks.in_browser import reasons
from support.serving import serve, site

pytestmark = pytest.mark.browser

SCRIPTS = Path(__file__).parents[2] / "web"
PAGE = """<!doctype html><script type="module">
import { CheckPool } from "/web/page/checks.js";

window.workers = []; // in the order in which they started
window.starting = []; // what each of them is from its start: "ready", "slow" or "ended"
window.Worker = class {
  constructor() {
    this.is = starting.shift() ?? "ready";
    workers.push(this);
  }
  postMessage({ start, check }) {
    if (start && this.is !== "slow") this.say({ ready: true });
    if (check && this.is === "ready") this.work(check);
  }
  work({ id, file, about }) {
    this.say({ id, began: true });
    if (file.name === "long.bin") this.say({ id, check: "long", limit: 30 * 24 * 3600 });
    const hangs = file.name === "hang.bin" && !about.failed.hangs;
    if (hangs) return this.say({ id, check: "hangs", limit: 0.05 });
    const ran = Object.keys(about.failed).map((check) => ({ check, outcome: "error" }));
    const verdict = { name: file.name, ran };
    const after = file.name === "slow.bin" ? 300 : 50;
    setTimeout(() => this.say({ id, verdict, heap: 0 }), after);
  }
  say(data) {
    setTimeout(() => this.onmessage({ data }));
  }
  terminate() {
    this.is = "closed";
  }
};
const { setTimeout } = window;
window.hurry = () => (window.setTimeout = (run, ms) => setTimeout(run, ms === 10_000 ? 100 : ms));
window.check = (name, language) => pool.check(new File(["x"], name), { language });
window.makePool = (config) => {
  window.pool = new CheckPool({ files: { worker: "/worker.js" }, ...config }, location.href);
};
</script>"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(site(PAGE, Mount("/web", StaticFiles(directory=SCRIPTS)))) as url:
        yield url


@pytest.fixture(autouse=True)
def pool(address: str, page: Page) -> None:
    """A new pool, in a new page."""
    page.goto(address)
    make_pool(page)


def make_pool(page: Page, on_error: str = "reject") -> None:
    said = {language: reasons(language) for language in ("en", "ja")}
    page.evaluate("makePool", {"on_error": on_error, "said": said})


def check(page: Page, name: str, language: str = "en") -> dict[str, Any]:
    """Check a file, and return the verdict."""
    script = """([name, language]) => Promise.race([
      check(name, language).then(({ verdict }) => verdict),
      new Promise((done) => setTimeout(done, 2000, { waits: true })),
    ])"""
    found: dict[str, Any] = page.evaluate(script, [name, language])
    return found


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        ("en", "It took longer than 0 seconds."),
        ("ja", "0 秒以内に終わりませんでした。"),
        ("xx", "It took longer than 0 seconds."),
    ],
)
def test_a_time_limit_shows_before_another_worker_is_ready(
    page: Page, language: str, reason: str
) -> None:
    page.evaluate("starting.push('ready', 'slow')")

    verdict = check(page, "hang.bin", language)

    refusal = {"check": "hangs", "reason": reason, "line": None, "is_error": True}
    assert verdict["refusal"] == refusal
    assert [each["check"] for each in verdict["ran"]] == ["hangs"]
    assert page.evaluate("workers.map((each) => each.is)") == ["closed", "slow"]


def test_the_other_checks_go_on_where_errors_are_allowed(page: Page) -> None:
    make_pool(page, "allow")

    verdict = check(page, "hang.bin")

    assert verdict["ran"] == [{"check": "hangs", "outcome": "error"}]


def test_r65_a_worker_that_has_ended_unseen_is_replaced(page: Page) -> None:
    page.evaluate("() => { starting.push('ended'); hurry(); }")

    verdicts = [check(page, name) for name in ("a.bin", "slow.bin")]

    assert [each.get("name") for each in verdicts] == ["a.bin", "slow.bin"]
    assert page.evaluate("workers.map((each) => each.is)") == ["closed", "ready"]


def test_two_files_are_checked_at_once_where_there_are_cores(page: Page) -> None:
    page.evaluate(
        """() => {
          Object.defineProperty(navigator, "hardwareConcurrency", { value: 4 });
          Object.defineProperty(navigator, "deviceMemory", { value: 8 });
        }"""
    )

    page.evaluate("Promise.all(['slow.bin', 'a.bin', 'b.bin'].map((name) => check(name, 'en')))")

    assert page.evaluate("workers.map((each) => each.is)") == ["ready", "ready"]


def test_a_time_limit_of_weeks_does_not_end_a_check_at_once(page: Page) -> None:
    assert check(page, "long.bin") == {"name": "long.bin", "ran": []}
