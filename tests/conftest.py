"""Fixtures for all rings: async tests, the browser, and the demo that it talks to."""

import asyncio
import gc
import inspect
import logging
import os
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from ossferry.demo import Demo
from support.config import load
from support.order import place
from support.programs import browser

CONFIG = load()
MAX_REASON = 3000  # characters


def pytest_configure(config: pytest.Config) -> None:
    """Hand `playwright.config.toml` to the plugins."""
    options = config.option
    options.screenshot = CONFIG.artefacts.screenshot
    options.tracing = CONFIG.artefacts.trace
    options.output = CONFIG.artefacts.dir
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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put all that drives a browser last: Playwright's loop then runs until the session ends.

    No `asyncio.run` is possible while it does. pytest groups tests by the interpreter they run on,
    so where they stand in the files says nothing about their order. Among both, the longest files
    come first: no worker then begins one when the other has nothing left to do.
    """
    items.sort(
        key=lambda item: ("playwright" in getattr(item, "fixturenames", ()), place(item.path))
    )
    gc.freeze()  # all that has been imported stays: what collects after a test looks at its own


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


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Take back what a test sets up by `logs.configure`: the next one may run in any order."""
    root = logging.getLogger()
    handlers, level, raises = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raises


@pytest.fixture(scope="session", params=CONFIG.projects)
def runtime(request: pytest.FixtureRequest) -> str:
    """The interpreter that runs the page."""
    return str(request.param)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """How the Playwright plugin starts Chromium."""
    return {
        "headless": CONFIG.use.headless,
        "args": CONFIG.use.args,
        "executable_path": browser("chromium").path,
    }


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    """What every page looks like."""
    return {"viewport": CONFIG.use.viewport, "locale": CONFIG.use.locale}


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """Server and mock, as `make demo` runs them, for the whole session."""
    with Demo() as running:
        yield running
