"""README.md: an application that mounts the server, with the files and commands of the page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from ossferry.oss.cors_rule import EXPOSED_HEADERS, METHODS
from support.markdown import IS_RELEASED
from support.programs import free_port, running
from support.uploads import put_with

ROOT = Path(__file__).parents[3]
PROGRAMS = Path(sys.executable).parent
README = (ROOT / "README.md").read_text("utf-8")
SECTION = README.partition("## Put it into your site or app")[2].partition("\n## ")[0]


def found(pattern: str) -> str:
    (text,) = re.findall(pattern, SECTION, re.DOTALL | re.MULTILINE)
    return str(text)


def start(line: str, *options: str | Path) -> list[str]:
    """Return a command of the page, with more options, in an environment that has only PATH."""
    path = f"PATH={PROGRAMS}:{os.environ['PATH']}"
    return ["/usr/bin/env", "-i", path, *line.split(), *map(str, options)]


@pytest.fixture
def ports(tmp_path: Path, web_dir: Path) -> tuple[int, int]:
    """The ports of the application and of the mock, which run in this folder."""
    port, oss_port = free_port(), free_port()
    (tmp_path / "mock").mkdir()
    (tmp_path / "app.py").write_text(found(r"```python\n(.*?)```"))
    settings = found(r"```ini\n(.*?)```").replace("9000", str(oss_port))
    (tmp_path / ".env").write_text(f"{settings}OSSFERRY_WEB_DIR={web_dir}\n")
    add_secret = ["/bin/sh", "-c", found(r"^\$ (echo OSSFERRY_SECRET=[^\n]+)")]
    subprocess.run(add_secret, cwd=tmp_path, check=True)  # noqa: S603 - a line of our own page
    return port, oss_port


def test_a_person_who_follows_the_readme_uploads_as_carol(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    port, oss_port = ports
    world = ROOT / found(r"^\$ ossferry mock-oss --world (\S+)")
    mock = start("ossferry mock-oss --world", world, "--port", str(oss_port))
    app = start(found(r"^\$ (uvicorn [^\n]+)"), "--port", str(port))
    origin = found(r"^Open <(http://[^>]+)>")
    cookie = found(r"`document\.cookie = \"([^\"]+)\"`")

    with (
        running(mock, tmp_path / "mock", oss_port),
        running(app, tmp_path, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as site,
    ):
        site.headers["sec-fetch-site"] = "same-origin"
        statuses = [site.get("/").status_code, site.post("/api/grant").status_code]
        site.headers["cookie"] = cookie
        grant = site.post("/api/grant").raise_for_status().json()
        endpoint = f"http://127.0.0.1:{oss_port}"
        key = put_with(grant, endpoint, b"hello").key
        url = f"{endpoint}/{grant['bucket']}/{key}"
        asked = {"origin": origin, "access-control-request-headers": "authorization"}
        preflights = [
            httpx.options(
                url, headers={**asked, "access-control-request-method": method}, trust_env=False
            )
            for method in METHODS
        ]

    exposed = preflights[0].headers["access-control-expose-headers"]
    assert statuses == [200, 401]
    assert {answer.status_code for answer in preflights} == {200}
    assert grant["prefix"].startswith("uploads/carol-")
    assert sorted(re.split(r",\s*", exposed)) == sorted(EXPOSED_HEADERS)


def test_until_the_first_release_no_page_takes_our_packages_from_the_package_index() -> None:
    """Anybody could register these names."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("wheels/*/README.md")]
    from_index = re.compile(
        r"(?:pip install|uvx --from|uv tool install)[^\n`]*"
        r" ['\"]?(?:ossferry|mock-oss)(?:\[|[ `\n])"
    )
    texts = {page.name: page.read_text("utf-8") for page in pages}

    assert IS_RELEASED or [name for name, text in texts.items() if from_index.search(text)] == []
    assert from_index.search("`pip install --quiet 'ossferry[redis]'`")
