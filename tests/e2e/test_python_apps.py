"""The example apps for Streamlit, NiceGUI and Gradio, in a browser.

Each runs with the command of docs/python-apps.md, which names the versions.
"""

import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, FrameLocator, Locator, Page

from e2e.conftest import Console, carols_key
from e2e.pages.uploader import framed
from ossferry.cli.demo import Demo
from support.config import ROOT
from support.expecting import expect
from support.programs import running

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.only_browser("chromium"),
]

GUIDE = ROOT / "docs/python-apps.md"
UV = Path(sys.executable).with_name("uv")
QUIET = {
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    "STREAMLIT_CLIENT_TOOLBAR_MODE": "minimal",
    "STREAMLIT_SERVER_HEADLESS": "true",
    "GRADIO_ANALYTICS_ENABLED": "False",
}
PLATES: list[FilePayload] = [
    {"name": f"plate {number}.csv", "mimeType": "text/csv", "buffer": b"well,value\n" * number}
    for number in (1, 2, 3)
]


def command(name: str, port: int) -> list[str]:
    """Return the command of the guide that runs an example, for this port."""
    (line,) = re.findall(rf"^\$ uv (.+ docs/examples/{name}/.*)$", GUIDE.read_text(), re.MULTILINE)
    words = shlex.split(line.replace("docs/", f"{ROOT}/docs/").replace("8001", str(port)))
    return [str(UV), *words]


def install(words: list[str]) -> None:
    """Let uv make the environment of a command, which may take minutes."""
    end = max(at for at, word in enumerate(words) if word == "--with") + 2
    subprocess.run([*words[:end], "python", "-c", ""], check=True, timeout=300)  # noqa: S603


@contextmanager
def example(name: str, folder: Path, **settings: Any) -> Iterator[tuple[str, Demo]]:
    """Run an example, beside a server that trusts it.

    Args:
        settings: of the server; by default it identifies people by an API key, which the app has.
            APP stands for the address of the app.
    """
    held = socket.create_server(("127.0.0.1", 0))  # so that the demo takes other ports
    port = held.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    key = carols_key(folder)
    given = settings or {"auth": "apikey", "api_keys_file": folder / "keys.json"}
    given = {
        option: value.replace("APP", url) if isinstance(value, str) else value
        for option, value in given.items()
    }
    words = command(name, port)
    install(words)
    with Demo(frame_origins={url: "results"}, **given) as demo:
        held.close()
        variables = {"UPLOAD_SERVER": demo.url, "UPLOAD_TOKEN": key, "PORT": str(port)}
        outside = ["env", "-u", "PYTEST_CURRENT_TEST"]  # with it, NiceGUI runs in a mode for tests
        with running([*outside, *words], folder, port, **variables, **QUIET):
            yield url, demo


def opened(page: Page, url: str) -> FrameLocator:
    """Open an app, wait until the uploader accepts files, and return its frame."""
    page.goto(url)
    return framed(page)


def keys(demo: Demo) -> dict[str, str]:
    """Return the key of each stored file, and check whose it is."""
    found = {key.rpartition("/")[2]: key for key in demo.oss.bucket(demo.bucket).objects}
    assert all(key.startswith("uploads/carol-") for key in found.values())
    return found


def remove(frame: FrameLocator, *names: str) -> None:
    """Remove files from the list, without a pause."""
    rows = frame.get_by_test_id("upload").filter(has_text=re.compile("|".join(names)))
    buttons = rows.get_by_role("button", name="Remove", exact=True)
    expect(buttons).to_have_count(len(names))
    buttons.evaluate_all("buttons => buttons.forEach(button => button.click())")


def test_streamlit(page: Page, console: Console, tmp_path: Path) -> None:
    with example("streamlit", tmp_path) as (url, demo):
        frame = opened(page, url)
        frame.locator("#files").set_input_files(PLATES[:2])
        cells = page.locator("[role=gridcell]")  # in a canvas
        expect(cells.filter(has_text="uploads/carol-")).to_have_count(2)
        first = keys(demo)["plate 1.csv"]
        expect(cells.filter(has_text=first)).to_be_attached()

        page.get_by_test_id("stSelectbox").click()
        page.get_by_role("option", name="order 43").click()
        expect(page.locator("oss-ferry")).to_have_attribute("reference", "order 43")
        expect(frame.locator("html")).to_have_attribute("data-theme", "light")
        expect(frame.get_by_test_id("upload")).to_have_count(2)  # a run keeps the list
        frame.locator("#files").set_input_files(PLATES[2])
        third = cells.filter(has_text="plate 3.csv")
        expect(third.first).to_be_attached()
        stored = demo.oss.bucket(demo.bucket).objects[keys(demo)["plate 3.csv"]]
        assert stored.headers["x-oss-meta-reference"] == "order%2043"

        remove(frame, "plate 1.csv")
        expect(cells.filter(has_text=first)).to_have_count(0)
        expect(third.first).to_be_attached()


def check_table(frame: FrameLocator, demo: Demo, cells: Locator) -> None:
    """Upload three files, remove two of them, and check that the app's table follows."""
    frame.locator("#files").set_input_files(PLATES)
    expect(cells.filter(has_text="uploads/carol-")).to_have_count(3)
    for key in keys(demo).values():
        expect(cells.filter(has_text=key)).to_be_visible()
    remove(frame, "plate 1.csv", "plate 3.csv")
    expect(cells.filter(has_text="uploads/carol-")).to_have_count(1)
    expect(cells.filter(has_text=keys(demo)["plate 2.csv"])).to_be_visible()


def test_nicegui_with_a_token_that_it_signs(page: Page, console: Console, tmp_path: Path) -> None:
    settings = {"auth": "jwt", "jwt_issuer": "APP", "jwt_jwks_url": "APP/keys"}
    with example("nicegui", tmp_path, **settings, jwt_audience="ossferry") as (url, demo):
        check_table(opened(page, url), demo, page.get_by_role("cell"))


def test_gradio(page: Page, console: Console, tmp_path: Path) -> None:
    with example("gradio", tmp_path) as (url, demo):
        check_table(opened(page, url), demo, page.get_by_role("gridcell"))
