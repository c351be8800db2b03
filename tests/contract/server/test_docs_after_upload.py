"""The code in docs/after-upload.md and its gallery, run unchanged against the mock."""

import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from typer.main import get_command

from ossferry.cli.admin import admin_commands
from ossferry.cli.demo import SERVER, Demo
from ossferry.hooks.delivery import webhook_signature
from ossferry.oss.sts import access_key
from ossferry.settings.types import webhook_key
from support.after_upload import until
from support.commands import environment
from support.serving import serve
from support.uploads import recorded

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/after-upload.md").read_text("utf-8")
SECRET = "9f86d081884c7d659a2feaa0c55ad015"
PIXEL = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def gallery(demo: Demo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The example on a socket, configured by environment variables as the docs describe."""
    monkeypatch.chdir(tmp_path)
    more = {"OSSFERRY_WEB_DIR": str(demo.settings.web_dir), "OSSFERRY_DATABASE_URL": ""}
    for name, value in {**environment(demo), **more}.items():
        monkeypatch.setenv(name, value)
    ((key, secret),) = SERVER.keys.items()
    monkeypatch.setattr("ossferry.app.default_credentials", lambda: access_key(key, secret))
    app: Starlette = runpy.run_path(str(ROOT / "docs/examples/gallery.py"))["app"]
    with serve(app) as url:
        yield url


def test_the_gallery_shows_pictures_and_nothing_else(demo: Demo, gallery: str) -> None:
    with httpx.Client(base_url=gallery, trust_env=False) as site:
        pictures, text = ({"content-type": kind} for kind in ("image/png", "text/plain"))
        picture = recorded(demo, site, PIXEL, name="cat.png", headers=pictures)
        recorded(demo, site, b"text", name="notes.txt", headers=text)

        until(lambda: "<img" in gallery_page(site))
        page = gallery_page(site)
        assert page.count("<img") == 1
        assert "cat.png?" in page
        assert "by Alice" in page

        undo = site.delete(f"/api/objects/{picture.key}").json()["undo"]["id"]
        until(lambda: "<img" not in gallery_page(site))
        site.post("/api/objects/undo", json={"id": undo})
        until(lambda: "cat.png?" in gallery_page(site))


def gallery_page(site: httpx.Client) -> str:
    return site.get("/gallery").text


def test_the_gallery_has_sixty_lines() -> None:
    lines = (ROOT / "docs/examples/gallery.py").read_text("utf-8").splitlines()

    assert len(lines) <= 62


def test_the_receivers_code_knows_our_signature() -> None:
    (code,) = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "after-upload.md", "exec"), names)  # noqa: S102 - the page's own code
    secret = "whsec_c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M="
    signature = webhook_signature(webhook_key(secret), id_="msg_1", timestamp=5, body=b"{}")
    headers = {"webhook-id": "msg_1", "webhook-timestamp": "5", "webhook-signature": signature}

    assert names["is_from_ossferry"](headers, b"{}", secret)
    assert not names["is_from_ossferry"](headers, b"{ }", secret)
    assert not names["is_from_ossferry"]({**headers, "webhook-timestamp": "6"}, b"{}", secret)


def test_the_drill_of_the_page_turns_the_demos_kill_switch(demo: Demo) -> None:
    pairs = re.findall(r"(\w+)=(\S+)", "\n".join(re.findall(r"^export (.+)$", PAGE, re.MULTILINE)))
    environment = {
        name: value.replace(":9000", f":{demo.oss.port}").replace("$(openssl", "x" + SECRET)
        for name, value in pairs
    }

    ossferry = str(Path(sys.executable).with_name("ossferry"))

    said = [
        subprocess.run(  # noqa: S603 - our own command
            [ossferry, "admin", "kill-switch", state], env=environment, capture_output=True
        )
        for state in ("on", "off")
    ]

    assert [each.stdout for each in said] == [b"on\n", b"off\n"], said[0].stderr


def test_the_commands_of_the_page_exist() -> None:
    known = set(get_command(admin_commands).commands)  # type: ignore[attr-defined] # it is a group
    named = set(re.findall(r"`ossferry admin ([a-z-]+)", PAGE))

    assert named <= known
