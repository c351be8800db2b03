"""Fixtures and pytest hooks for all tests: async tests, browsers, and the demo server."""

import asyncio
import gc
import importlib.metadata
import inspect
import logging
import os
import re
import ssl
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import certifi
import httpx
import pytest
import typer.main
from playwright.sync_api import Browser, BrowserContext, Page, expect

from ossferry.cli.demo import Demo
from support import programs, webkitgtk
from support.config import load
from support.garbage import collected
from support.shared_page import SharedPage, shared_page
from support.times import RECORD, Times, place
from support.workers import Scheduling

pytest_plugins = ["mock_oss.pytest_plugin"]  # the wheel `mock-oss` has an entry point for it

CONFIG = load()
CORE = {project.name for project in CONFIG.projects if project.stories == "core"}
"""The engines in which `make test` runs only the core stories."""
BROWSER_FIXTURES = {"page", "context", "browser"}
MAX_REASON = 3000  # characters
MAX_NAME = 200  # characters of a folder
CRASHED = re.compile(r"(Page|Target) crashed|\bBrowserLostError\b")
"""The errors after a crash: of Playwright, and of the adapter for WebKitGTK."""
ENDED_WORKER = "crashed while running"
"""In the report of a test that ended its worker."""
VENDORS = "alibabacloud_credentials"  # not imported here, because ossferry must import it first
FIREFOX = {
    "network.dns.localDomains": "plain.test"  # plain HTTP from another host is no secure context
}


class Problem(dict[str, Any]):
    """A refusal of the server. A test that reads a field of another answer fails with its text."""

    def __missing__(self, name: str) -> object:
        raise AssertionError(f"the server refused the request, so there is no {name!r}: {self}")


def read_json(answer: httpx.Response, *, read: Any = httpx.Response.json) -> Any:
    """Return the JSON of an answer, with a `Problem` for a refusal."""
    found = read(answer)
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    return Problem(found) if is_problem else found


httpx.Response.json = read_json  # type: ignore[assignment,method-assign] # for all tests


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--budget-s", type=float, default=0, help="seconds that the run may take")
    parser.addoption("--times", action="store_true", help="measure and record all times")


def pytest_configure(config: pytest.Config) -> None:
    """Pass the values of `playwright.config.toml` to the plugins."""
    options = config.option
    times = Times(budget_s=options.budget_s, record=RECORD if options.times else None)
    config.pluginmanager.register(times)
    options.screenshot = CONFIG.artefacts.screenshot
    options.tracing = CONFIG.artefacts.trace
    options.output = CONFIG.artefacts.dir
    options.browser = options.browser or [project.name for project in CONFIG.projects]
    expect.set_options(timeout=CONFIG.timeout_ms)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report which tests were repeated and why; a successful second attempt would hide a fault."""
    repeated = terminalreporter.stats.get("rerun", [])
    reasons = dict.fromkeys(("browser crashed", "took too long and ended the worker", "failed"), 0)
    crashed, ended, failed = reasons
    for report in repeated:
        terminalreporter.write_sep("_", f"RERUN {report.nodeid}")
        terminalreporter.write_line(report.longreprtext[-MAX_REASON:])
        if ENDED_WORKER in report.longreprtext:
            reasons[ended] += 1
        else:
            reasons[crashed if CRASHED.search(report.longreprtext) else failed] += 1
    if os.environ.get("CI"):
        words = ", ".join(f"{reason}: {count}" for reason, count in reasons.items())
        terminalreporter.write_line(f"Browser tests repeated ({words})")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return the number of workers: two more than cores, because many tests wait for a server."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Return the scheduler that assigns tests to workers."""
    is_slow = config.option.markexpr == "slow"
    return Scheduling(config, log, group_of_file if is_slow else group_of)


def group_of(nodeid: str) -> str:
    """Return the group of a test; the tests of a group run in one worker.

    All stories in Firefox are one group, and all stories in WebKit another, so that each engine
    starts once. The other tests are grouped by file, so that the fixtures of a module are made
    once.
    """
    params = nodeid.partition("[")[2].rstrip("]").split("-")
    return next((each for each in params if each in CORE), None) or group_of_file(nodeid)


def group_of_file(nodeid: str) -> str:
    """Return the group of a slow test: its file, so that each worker runs a part of an engine."""
    return nodeid.partition("::")[0]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Import the test files without the garbage collector, which would take a fifth of the time;
    run the tests with fewer collections, each of which looks at what all files have imported.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.set_threshold(20_000, 20, 50)
        gc.enable()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Iterator[None]:
    """Select the tests for each engine, and sort all tests."""
    refuse_names_of_fixtures(items)
    choose_engines(config, items)
    if os.environ.get("CI"):
        repeat_browser_tests(items)
    yield
    put_in_order(items, longest_first=hasattr(config, "workerinput"))


def choose_engines(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests to `make slow`: in Firefox and WebKit all but the core stories on MicroPython,
    and on Pyodide all but those marked `pyodide`.

    A story that does not apply to an engine (`only_browser`, `skip_browser`) is dropped for it.
    """
    dropped = []
    for item in items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        engine, is_main = params.get("browser_name"), params.get("runtime") != "pyodide"
        only, never = (item.get_closest_marker(f"{word}_browser") for word in ("only", "skip"))
        if engine and ((only and only.args[0] != engine) or (never and never.args[0] == engine)):
            dropped.append(item)
            continue
        is_core, on_both = (bool(item.get_closest_marker(name)) for name in ("core", "pyodide"))
        if engine and not (is_core and is_main if engine in CORE else on_both or is_main):
            item.add_marker(pytest.mark.slow)
    if dropped:
        items[:] = [item for item in items if item not in dropped]
        config.hook.pytest_deselected(items=dropped)


def refuse_names_of_fixtures(items: list[pytest.Item]) -> None:
    """Stop if a test gives a parameter the name of a browser fixture.

    pytest-playwright would run such a test once for each engine.
    """
    for item in items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        if taken := BROWSER_FIXTURES & params.keys():
            raise pytest.UsageError(f"{item.nodeid}: rename the parameter {min(taken)}")


def repeat_browser_tests(items: list[pytest.Item]) -> None:
    """Repeat a browser test that failed: browsers crash, and starve on a machine that is busy.

    After a crash, some calls of Playwright never return. The test then takes too long and ends its
    worker, and is repeated too. The failure of a test without a browser is final.
    """
    for item in items:
        if "browser_name" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.flaky(reruns=CONFIG.retries_on_ci))


def put_in_order(items: list[pytest.Item], *, longest_first: bool) -> None:
    """Sort tests: browser tests come last, and with `longest_first` the longest files come first.

    Playwright's event loop runs until the session ends, and `asyncio.run` is impossible meanwhile.
    pytest groups tests by the interpreter that they run on, so their position in the files does not
    determine the order. If the longest files come first, no worker starts a long file when the
    other workers have finished. A single process keeps the order that it was given.
    """
    items.sort(
        key=lambda item: (
            "playwright" in getattr(item, "fixturenames", ()),
            longest_first and place(item.path),
        )
    )


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def` tests without a plugin."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(_watched(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})))
    return True


async def _watched(test: Coroutine[Any, Any, None]) -> None:
    """Run a test; fail it if a background task of the test ended with an unhandled exception."""
    unseen: list[BaseException] = []

    def note(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if "exception" in context:
            unseen.append(context["exception"])

    asyncio.get_running_loop().set_exception_handler(note)
    with collected():  # tasks report unhandled exceptions when they are collected
        await test
        me = asyncio.current_task()
        while running := asyncio.all_tasks() - {me}:  # a task that ends may start another
            for task in running:
                task.cancel()
            await asyncio.wait(running)
    if unseen:
        raise unseen[0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With `CI=true`, fail a skipped core story, because nobody would notice the skip."""
    report = yield
    if report.skipped and os.environ.get("CI") and item.get_closest_marker("core"):
        report.outcome, report.longrepr = "failed", f"a core story was skipped: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def slow_work_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Do work only once whose result is the same in all tests of a process.

    - Each server would look for hooks in the metadata of all installed packages, in 8 ms.
    - Each command would read the signatures of all commands, in 15 ms.
    - Each HTTP client would read the certificates of all public authorities, in 8 ms. They get the
      certificate of one, because no test in this process connects to a public server.
    - Each chain of credentials would start a thread for the metadata service, which never ends.
    """
    contexts = trusting_one_authority(tmp_path_factory.mktemp("authorities") / "one.pem")
    with (
        patch("ossferry.hooks.calls.entry_points", cache(importlib.metadata.entry_points)),
        patch("typer.main.get_command", cache(typer.main.get_command)),
        patch("ssl.create_default_context", contexts),
        patch(f"{VENDORS}.utils.auth_util.environment_ecs_metadata_disabled", "true"),
    ):
        yield


def trusting_one_authority(one: Path) -> Callable[..., ssl.SSLContext]:
    """Return `ssl.create_default_context` with one public authority in place of all.

    A context for other authorities, also for those of a changed `SSL_CERT_FILE`, stays as it is.

    Args:
        one: the file that gets the certificate of the authority.
    """
    create, end = ssl.create_default_context, "-----END CERTIFICATE-----\n"
    one.write_text("".join(Path(certifi.where()).read_text("utf-8").partition(end)[:2]), "utf-8")
    public = {None, certifi.where(), os.environ.get("SSL_CERT_FILE")}

    def create_context(
        *args: Any, cafile: str | Path | None = None, **options: Any
    ) -> ssl.SSLContext:
        is_public = {cafile, os.environ.get("SSL_CERT_FILE")} <= public
        return create(*args, cafile=one if is_public else cafile, **options)

    return create_context


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Undo `logs.configure` after each test, so that tests are independent of their order."""
    root = logging.getLogger()
    handlers, level, raises = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raises


@pytest.fixture(autouse=True)
def garbage_in_this_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run the garbage collector in the test's thread after a browser test.

    Playwright's tasks belong to the thread that created them. If the collector runs in a server
    thread, such a task continues there, and Playwright stops working.
    """
    if "playwright" not in request.fixturenames:
        yield
        return
    gc.disable()
    with collected():
        yield


@pytest.fixture(scope="session", params=CONFIG.runtimes)
def runtime(request: pytest.FixtureRequest) -> str:
    """The Python interpreter that runs the page."""
    return str(request.param)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_name: str) -> dict[str, Any]:
    """The Playwright plugin's arguments for starting the engine."""
    found = programs.browser(browser_name)
    options: dict[str, Any] = {"headless": CONFIG.use.headless, "executable_path": found.path}
    if browser_name == "chromium":
        options["args"] = CONFIG.use.args
    elif browser_name == "firefox":
        options["firefox_user_prefs"] = FIREFOX
        if found.path:
            options["channel"] = "moz-firefox"  # not Playwright's own build: use WebDriver BiDi
    return options


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    """The viewport and language of every page."""
    return {"viewport": CONFIG.use.viewport, "locale": CONFIG.use.locale}


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest, browser_name: str) -> Iterator[Browser]:
    """The browser; an adapter gives WebKitGTK the same interface as Playwright's browsers."""
    found = programs.browser(browser_name)
    if found.driver:
        with webkitgtk.launched(found) as launched:
            yield cast(Browser, launched)
        return
    launched = request.getfixturevalue("launch_browser")()
    yield launched
    launched.close()


@pytest.fixture
def context(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    """A new browser context with an empty profile."""
    driven: object = browser
    if isinstance(driven, webkitgtk.Browser):
        with driven.new_context() as made:
            yield cast(BrowserContext, made)
        return
    yield request.getfixturevalue("new_context")()


@pytest.fixture(scope="session")
def session_page(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[SharedPage]:
    """The page of Chromium that the stories of a worker share."""
    with shared_page(browser, browser_context_args) as shared:
        yield shared


@pytest.fixture(scope="module")
def module_page(session_page: SharedPage) -> Iterator[SharedPage]:
    """The shared page; after a module, everything that its fixtures have left is collected."""
    yield session_page
    session_page.empty()  # the last story may have been marked `page_stays`
    gc.collect()  # after each test, only what the test has made


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser, browser_name: str) -> Iterator[Page]:
    """A tab with an empty profile; a story that also names `context` gets a new profile."""
    node = request.node
    if (
        browser_name in CORE
        or node.get_closest_marker("own_page")
        or "context" in node._fixtureinfo.names_closure
        or request.config.option.tracing != "off"
    ):
        yield request.getfixturevalue("context").new_page()
        return
    shared: SharedPage = request.getfixturevalue("module_page")
    stays = bool(node.get_closest_marker("page_stays"))
    if not stays:
        shared.empty()
    yield shared.get()
    call = getattr(node, "rep_call", None)  # None if another fixture has failed
    failed = call is None or call.failed
    if failed and request.config.option.screenshot != "off":
        name = re.sub(r"\W+", "-", node.nodeid)[-MAX_NAME:]
        shared.screenshot(Path(request.config.option.output) / name / "test-failed-1.png")
    if failed or not stays:
        shared.empty()


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """Server and mock, started once per session in the same way as by `make demo`."""
    with ExitStack() as running:
        with patch("ossferry.access.rate_limits.RENEWALS", "100000/minute"):  # all are Alice
            demo = running.enter_context(Demo())
        yield demo
