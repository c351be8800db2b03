"""Long work is divided into short tasks, so that the page can draw in between."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser

from support.browser_page import PYTHON, result_of, script

pytestmark = pytest.mark.browser

COROUTINES, ELEMENTS, CALLS = 60, 60, 10
START = """
import asyncio
import json
import js
from pyscript.ffi import create_proxy
from ossferry_uploader.browser.clock import Pace
from ossferry_uploader.browser.event_loop import run_in_slices
from upload_page.browser.dom import element, watch_nearness


def burn(ms):
    end = float(js.performance.now()) + ms
    while float(js.performance.now()) < end:
        pass


def tell(result):
    js.document.body.setAttribute("data-result", json.dumps(result))


ticks = []
tick = create_proxy(lambda *given: (ticks.append(1), js.setTimeout(tick, 2)))
js.setTimeout(tick, 2)
run_in_slices()
"""
COROUTINES_RUN = f"""
seen = []


async def work():
    burn(5)
    seen.append([len(ticks), int(js.framesSeen)])
    if len(seen) == {COROUTINES}:
        tell(seen)


def create_all():
    for _ in range({COROUTINES}):
        asyncio.create_task(work())


js.setTimeout(create_proxy(create_all), 500)
"""
YIELDING = """
seen = []


async def loop():
    for _ in range(5):
        burn(3)
        seen.append("loop")
        await asyncio.sleep(0)
    tell(seen)


async def other(number):
    burn(3)
    seen.append(f"other {number}")


def create_all():
    asyncio.create_task(loop())
    for number in range(3):
        asyncio.create_task(other(number))


js.setTimeout(create_proxy(create_all), 500)
"""
NEARNESS = f"""
seen = []


def moved(number, near, height_px):
    burn(3)
    seen.append([len(ticks), near])
    if len(seen) == {ELEMENTS}:
        tell(seen)


observe, stop = watch_nearness(moved)
for number in range({ELEMENTS}):
    made = element("div", {{"data-chunk": str(number)}})
    made.style.height = "100px"
    js.document.body.append(made)
    observe(made)
"""
PACE = f"""
seen = []
pace_ms = 0.0


def run():
    global pace_ms
    pace_ms = 60_000.0
    burn(3)
    seen.append(len(ticks))
    if len(seen) == {CALLS}:
        js.setTimeout(create_proxy(lambda: tell(seen)), 300)  # after a call too many
    return len(seen) < {CALLS}


Pace(lambda: pace_ms)(run)
"""
SCROLLING = """
const look = () => {
  window.framesSeen += 1;
  dispatchEvent(new Event("scroll"));
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
WITHOUT_FRAMES = """
window.requestAnimationFrame = () => 0;
setInterval(() => dispatchEvent(new Event("scroll")), 5);
"""
Run = Callable[..., list[Any]]


@pytest.fixture
def run(browser: Browser) -> Run:
    """Run Python code in a page on MicroPython, and return what it has told."""

    def run(code: str, init: str = "") -> list[Any]:
        init = f"window.framesSeen = 0;{init}"
        result: list[Any] = result_of(script(PYTHON, START + code), "micropython", browser, init)
        return result

    return run


def test_ready_coroutines_leave_time_for_the_browser(run: Run) -> None:
    seen = run(COROUTINES_RUN)

    timers = {ticks for ticks, _frames in seen}
    assert len(timers) > COROUTINES / 4  # one value if all run in one task


def test_a_coroutine_that_yields_lets_the_others_run_first(run: Run) -> None:
    seen = run(YIELDING)

    assert seen[:4] == ["loop", "other 0", "other 1", "other 2"]
    assert seen[4:] == ["loop"] * 4


def test_while_a_person_scrolls_each_frame_has_time_for_drawing(run: Run) -> None:
    seen = run(COROUTINES_RUN, SCROLLING)

    frames = seen[-1][1] - seen[0][1]
    assert frames > COROUTINES * 2 / 3  # a third if the coroutines do not wait for frames


@pytest.mark.slow  # waits for timers that the browser slows down
def test_a_page_without_frames_goes_on(run: Run) -> None:
    assert len(run(COROUTINES_RUN, WITHOUT_FRAMES)) == COROUTINES


def test_rows_that_come_near_are_added_in_slices_and_before_others_are_removed(run: Run) -> None:
    seen = run(NEARNESS)

    assert [near for _ticks, near in seen] == sorted([near for _, near in seen], reverse=True)
    assert {near for _ticks, near in seen} == {True, False}
    assert len({ticks for ticks, _near in seen}) > ELEMENTS / 4


def test_a_paced_function_that_has_more_work_is_called_again_in_the_next_task(run: Run) -> None:
    ticks = run(PACE)

    assert len(ticks) == CALLS
    assert len(set(ticks)) > CALLS / 2
