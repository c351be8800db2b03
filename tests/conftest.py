"""Fixtures for all rings: async tests, the browser, and the demo that it talks to."""

import asyncio
import gc
import inspect
import logging
import os
from collections.abc import Coroutine, Generator, Iterator
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from ossferry.cli.demo import Demo
from support import programs, webkitgtk
from support.config import load
from support.order import place
from support.workers import Scheduling

CONFIG = load()
MAX_REASON = 3000  # characters
FIREFOX = {
    "network.dns.localDomains": "plain.test",  # plain http from elsewhere: no secure context
}


def pytest_configure(config: pytest.Config) -> None:
    """Hand `playwright.config.toml` to the plugins."""
    options = config.option
    options.screenshot = CONFIG.artefacts.screenshot
    options.tracing = CONFIG.artefacts.trace
    options.output = CONFIG.artefacts.dir
    options.browser = options.browser or [project.name for project in CONFIG.projects]
    if os.environ.get("CI") and options.reruns is None:
        options.reruns = CONFIG.retries_on_ci
    expect.set_options(timeout=CONFIG.timeout_ms)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why a test was repeated; else a second try would hide it."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.write_sep("_", f"RERUN {report.nodeid}")
        terminalreporter.write_line(report.longreprtext[-MAX_REASON:])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return the number of workers: many tests wait for a server, so two more than cores."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Return what hands tests to workers."""
    return Scheduling(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Iterator[None]:
    """Choose what runs in which engine, and in which order."""
    choose_engines(config, items)
    yield
    put_in_order(items)
    gc.freeze()  # all that has been imported stays: what collects after a test looks at its own


def choose_engines(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to `make slow` what `playwright.config.toml` does not ask for in each engine.

    A story that is not for an engine (`only_browser`, `skip_browser`) is dropped there. One worker
    runs all stories of Firefox, and one all of WebKit, so that each is started once; of all other
    tests it runs whole files.
    """
    core = {project.name for project in CONFIG.projects if project.stories == "core"}
    dropped = []
    for item in items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        engine = params.get("browser_name")
        only, never = (item.get_closest_marker(f"{word}_browser") for word in ("only", "skip"))
        if engine and ((only and only.args[0] != engine) or (never and never.args[0] == engine)):
            dropped.append(item)
        elif engine in core and (
            not item.get_closest_marker("core") or params.get("runtime") == "pyodide"
        ):
            item.add_marker(pytest.mark.slow)
        group = engine if engine in core else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
    if dropped:
        items[:] = [item for item in items if item not in dropped]
        config.hook.pytest_deselected(items=dropped)


def put_in_order(items: list[pytest.Item]) -> None:
    """Put all that drives a browser last, and the longest files first.

    Playwright's loop runs until the session ends, and no `asyncio.run` is possible while it does.
    pytest groups tests by the interpreter they run on, so where they stand in the files says
    nothing about their order. With the longest files first no worker begins one when the other has
    nothing left to do.
    """
    items.sort(
        key=lambda item: ("playwright" in getattr(item, "fixturenames", ()), place(item.path))
    )


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def` tests; no plugin is needed for that."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(_watched(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})))
    return True


async def _watched(test: Coroutine[Any, Any, None]) -> None:
    """Run a test; an exception that ends a task of its own, where nobody looks, fails it too."""
    unseen: list[BaseException] = []

    def note(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if "exception" in context:
            unseen.append(context["exception"])

    asyncio.get_running_loop().set_exception_handler(note)
    await test
    gc.collect()  # tasks tell of their exceptions when they go
    if unseen:
        raise unseen[0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With `CI=true`, fail a core story that its engine could not run; else nobody sees it."""
    report = yield
    if report.skipped and os.environ.get("CI") and item.get_closest_marker("core"):
        report.outcome, report.longrepr = "failed", f"a core story was skipped: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Take back what a test sets up by `logs.configure`: the next one may run in any order."""
    root = logging.getLogger()
    handlers, level, raises = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raises


@pytest.fixture(autouse=True)
def garbage_in_this_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """Collect what a story leaves behind here, and not in a thread of a server.

    Playwright's tasks belong to the thread that began them. One that is collected while another
    thread runs goes on there, and Playwright stops.
    """
    if "playwright" not in request.fixturenames:
        yield
        return
    gc.disable()
    yield
    gc.collect()


@pytest.fixture(scope="session", params=CONFIG.runtimes)
def runtime(request: pytest.FixtureRequest) -> str:
    """The interpreter that runs the page."""
    return str(request.param)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_name: str) -> dict[str, Any]:
    """How the Playwright plugin starts the engine."""
    found = programs.browser(browser_name)
    options: dict[str, Any] = {"headless": CONFIG.use.headless, "executable_path": found.path}
    if browser_name == "chromium":
        options["args"] = CONFIG.use.args
    elif browser_name == "firefox":
        options["firefox_user_prefs"] = FIREFOX
        if found.path:
            options["channel"] = "moz-firefox"  # no build of Playwright's: by WebDriver BiDi
    return options


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    """What every page looks like."""
    return {"viewport": CONFIG.use.viewport, "locale": CONFIG.use.locale}


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest, browser_name: str) -> Iterator[Browser]:
    """The engine; WebKitGTK looks like Playwright's browser to the stories."""
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
    """A fresh profile."""
    driven: object = browser
    if isinstance(driven, webkitgtk.Browser):
        with driven.new_context() as made:
            yield cast(BrowserContext, made)
        return
    yield request.getfixturevalue("new_context")()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab in a fresh profile."""
    return context.new_page()


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """Server and mock, as `make demo` runs them, for the whole session."""
    with Demo() as running:
        yield running
