"""The page of Alibaba Cloud's tutorial, with `ali-oss`, gets its credentials from our server.

`make test` runs these stories in Chromium, and `make slow` in Firefox and WebKit: the page is not
ours, and the time of `make test` is spent.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from contract.mock_oss.tour_ali_oss import node_folder
from e2e.conftest import Console, MakeFile, StartDemo, operator_bucket
from e2e.storage_side import MIB, arrived, asked, expect_whole, noise, until
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.mounting import Site, mounting_site

pytestmark = pytest.mark.e2e

HTML = (Path(__file__).parents[2] / "docs/examples/tutorial_page.html").read_text("utf-8")
ON_THE_MOCK = 'endpoint: "http://localhost:9000",'
ON_A_DOMAIN = 'endpoint: "https://files.example.com", cname: true,'
SDK = "aliyun-oss-sdk.min.js"
PAGE = "/tutorial"
LATER_S = 310
"""Three times this is longer than credentials live."""


@contextmanager
def tutorial_site(demo: Demo, prefix: str = "token.Prefix") -> Iterator[Site]:
    """Serve the page and `ali-oss` from an application that mounts our server at `/`.

    The page has the line for the demo's endpoint, with its address, which is a comment in the file.

    Args:
        prefix: the page's expression for the beginning of the key.
    """
    script = (node_folder() / "node_modules/ali-oss/dist" / SDK).read_bytes()
    line = ON_A_DOMAIN if demo.settings.cname else ON_THE_MOCK
    assert f"// {line}" in HTML
    here = re.sub('http[^"]+', str(demo.settings.endpoint), line)
    html = HTML.replace(f"// {line}", here).replace("token.Prefix", prefix)

    async def page(_request: Request) -> Response:
        return HTMLResponse(html)

    async def sdk(_request: Request) -> Response:
        return Response(script, media_type="text/javascript")

    with mounting_site(demo, Route(PAGE, page), Route(f"/{SDK}", sdk), below="/") as site:
        yield site


def sign_in(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/sign-in?next={PAGE}")
    page.get_by_role("button", name="I am Carol").click()


def upload(page: Page, path: Path) -> None:
    page.locator("#file").set_input_files(path)
    page.get_by_role("button", name="Upload").click()


def test_the_page_of_the_tutorial_uploads_below_the_persons_prefix(
    demo: Demo, page: Page, console: Console, make_file: MakeFile
) -> None:
    with tutorial_site(demo) as site:
        sign_in(page, site)
        upload(page, make_file("hello.txt", b"hello"))
        output = page.locator("output")
        expect(output).to_contain_text("stored as uploads/carol-")
        key = output.inner_text().removeprefix("stored as ")

    assert key.endswith("/hello.txt")
    assert operator_bucket(demo).get_object(key).read() == b"hello"
    assert console.complaints == []


def test_it_uploads_to_a_custom_domain_where_the_public_endpoint_is_refused(
    start_demo: StartDemo, page: Page, console: Console, make_file: MakeFile
) -> None:
    demo, _ = start_demo(custom_domain="files.localhost")
    with tutorial_site(demo) as site:
        sign_in(page, site)
        upload(page, make_file("hello.txt", b"hello"))
        expect(page.locator("output")).to_contain_text("stored as uploads/carol-")

    (stored,) = asked(demo, "PutObject", "hello.txt")
    assert (stored.status, stored.host) == (200, f"files.localhost:{demo.oss.port}")
    assert console.complaints == []


def keys(demo: Demo) -> set[str]:
    """Return the access keys with which parts have arrived."""
    return {part.access_key_id for part in arrived(demo, "video.bin")}


def pass_time(demo: Demo, page: Page) -> None:
    """Move all clocks past the page's interval for new credentials."""
    demo.oss.clock.advance(LATER_S)
    page.clock.fast_forward(LATER_S * 1000)


@pytest.mark.slow  # waits for a slow line; test_permission does it with the upload page
@pytest.mark.own_page("it replaces the clock of the page")
def test_it_renews_its_credentials_in_the_middle_of_a_large_file(
    demo: Demo, page: Page, make_file: MakeFile
) -> None:
    content = noise(12 * MIB)
    page.clock.install()
    slow = demo.oss.faults.add("bandwidth", bytes_per_s=400_000, operation="UploadPart")
    with tutorial_site(demo) as site:
        sign_in(page, site)
        upload(page, make_file("video.bin", content))
        until(page, lambda: len(arrived(demo, "video.bin")) >= 1, timeout_s=60)
        pass_time(demo, page)
        until(page, lambda: len(arrived(demo, "video.bin")) >= 2, timeout_s=60)
        pass_time(demo, page)
        until(page, lambda: len(keys(demo)) == 2, timeout_s=60)
        pass_time(demo, page)  # now the first credentials have expired
        demo.oss.faults.remove(slow)
        expect(page.locator("output")).to_contain_text("stored as", timeout=60_000)

    demo.oss.clock.reset()
    expect_whole(demo, "video.bin", content)


@pytest.mark.parametrize(
    ("signed_in", "prefix", "status", "said"),
    [
        pytest.param(False, "token.Prefix", 401, "no credentials: 401", id="stranger"),
        pytest.param(True, "'uploads/dave-0000/'", 403, "AccessDenied", id="foreign-folder"),
    ],
)
def test_nobody_uploads_without_a_sign_in_or_into_the_folder_of_another_person(
    demo: Demo,
    page: Page,
    console: Console,
    make_file: MakeFile,
    signed_in: bool,
    prefix: str,
    status: int,
    said: str,
) -> None:
    console.expected.append(f"status of {status}")
    with tutorial_site(demo, prefix) as site:
        if signed_in:
            sign_in(page, site)
        else:
            page.goto(f"{site.url}{PAGE}")
        upload(page, make_file("hello.txt", b"hello"))
        expect(page.locator("output")).to_have_text(f"failed: {said}")

    assert operator_bucket(demo).list_objects().object_list == []
