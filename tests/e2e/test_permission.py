"""Grants that expire, change or are unavailable, and wrong clocks, during uploads."""

import pytest
from playwright.sync_api import Page, Route

from e2e.conftest import Console, MakeFile, StartDemo
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, asked, expect_whole, noise, until
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.fake_issuer import CLIENT_ID, CLIENT_SECRET, FakeIssuer
from support.programs import free_port
from support.serving import serve

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("runtime", ["micropython"], indirect=True)]

CONTENT = noise(20 * MIB + 1, seed=3)  # 21 parts
GRANT = "**/api/grant"


@pytest.fixture(autouse=True)
def _failing(console: Console) -> None:
    console.expected.append("Failed to load resource|net::ERR")


def expire(demo: Demo, name: str) -> None:
    """Invalidate all credentials when the second part of a file arrives."""
    demo.oss.faults.add(
        "expire-tokens", key=f"*/{name}", operation="UploadPart", part_number=2, times=1
    )


def test_r13_r14_many_parts_that_meet_the_end_of_permission_ask_once(
    uploader: UploaderPage, page: Page, demo: Demo, make_file: MakeFile
) -> None:
    expect(uploader.grant).to_contain_text("May add")
    names = [f"many-{number}.bin" for number in range(3)]
    paths = [make_file(name, CONTENT) for name in names]
    counted: list[str] = []
    page.on("request", lambda seen: counted.append(seen.url))
    demo.oss.faults.add("expire-tokens", key="*/many-*", operation="UploadPart", nth=4)

    uploader.choose(*paths)

    for name in names:
        uploader.row(name).expect_state("done", timeout_ms=60_000)
        expect_whole(demo, name, CONTENT)
        assert len(asked(demo, "InitiateMultipartUpload", name)) == 1
    assert len([url for url in counted if url.endswith("/api/grant")]) == 1


def test_r05_r18_permission_that_cannot_be_had_is_waited_for(
    uploader: UploaderPage, page: Page, demo: Demo, make_file: MakeFile
) -> None:
    busy, away, signed_in = True, True, False

    def answer(route: Route) -> None:
        nonlocal busy
        if busy:
            busy = False
            route.fulfill(status=429, headers={"Retry-After": "1"})
        elif away:
            route.abort()
        elif signed_in:
            route.continue_()
        else:
            route.fulfill(status=401)

    expect(uploader.grant).to_contain_text("May add")
    expire(demo, "patient.bin")
    page.route(GRANT, answer)
    row = uploader.choose(make_file("patient.bin", CONTENT))

    row.expect_state("paused", timeout_ms=30_000)
    row.expect_says("Waiting for the server of this page, continues by itself")
    until(page, lambda: not busy)
    away = False
    row.expect_says("Waiting because you are not signed in")
    signed_in = True

    row.expect_state("done", timeout_ms=30_000)
    assert len(asked(demo, "InitiateMultipartUpload", "patient.bin")) == 1
    expect_whole(demo, "patient.bin", CONTENT)


def test_r19_r20_refused_permission_or_another_place_ends_the_upload(
    uploader: UploaderPage, page: Page, console: Console, demo: Demo, make_file: MakeFile
) -> None:
    console.expected.append("status of 403")

    state, running = "refused", 0

    def answer(route: Route) -> None:
        nonlocal running
        if state == "refused":
            route.fulfill(status=403)
        elif state == "mine":
            route.continue_()
        else:
            running += 1
            document = route.fetch(post_data="{}").json()  # Firefox does not report the body
            document["prefix"] = "uploads/bob-0123456789/"
            route.fulfill(json=document)
            running -= 1

    name = "moved.bin"
    expect(uploader.grant).to_contain_text("May add")
    expire(demo, name)
    page.route(GRANT, answer)  # without `unroute`, which breaks a request that it answers just now
    row = uploader.choose(make_file(name, CONTENT))

    row.expect_state("failed", timeout_ms=30_000)
    row.expect_says("You may not upload here")
    state = "bob's"
    row.retry_button.click()
    row.expect_says("Somebody else has signed")
    assert [seen.key for seen in demo.oss.requests if "/bob-" in seen.key] == []
    state = "mine"
    until(page, lambda: not running)
    row.retry_button.click()

    row.expect_state("done", timeout_ms=30_000)
    assert len(asked(demo, "InitiateMultipartUpload", name)) == 1
    expect_whole(demo, name, CONTENT)


@pytest.mark.skip_browser("webkit")  # WebKit refuses secure cookies from http://localhost
def test_who_signs_in_with_a_session_can_sign_out(
    page: Page, start_demo: StartDemo, runtime: str
) -> None:
    port, issuer = free_port(), FakeIssuer()
    with serve(issuer.app()) as issuer.url:
        options = {
            "auth": "oidc",
            "oidc_issuer": issuer.url,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": CLIENT_SECRET,
            "public_url": f"http://localhost:{port}",
        }
        start_demo(port=port, **options)
        uploader = UploaderPage(page, f"http://localhost:{port}/?runtime={runtime}")
        page.goto(f"http://localhost:{port}/")
        page.get_by_role("link", name="Sign in").click()
        uploader.expect_ready()
        expect(uploader.grant).to_contain_text("May add")

        page.get_by_role("button", name="Sign out").click()

        expect(page).to_have_url(f"http://localhost:{port}/login")
        page.goto(f"http://localhost:{port}/")
        expect(page).to_have_url(f"http://localhost:{port}/login")


@pytest.mark.skip_browser("firefox")  # with interception, cached files are empty in Firefox
def test_a_sign_out_that_fails_is_told(uploader: UploaderPage, page: Page) -> None:
    def with_session(route: Route) -> None:
        answer = route.fetch()
        document = answer.json()
        document["features"].append("sign-out")
        route.fulfill(response=answer, json=document)

    page.route(GRANT, with_session)
    page.route("**/logout", lambda route: route.fulfill(status=503))
    uploader.start()

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_text("You are still signed in")).to_be_visible()
    expect(uploader.grant).to_contain_text("May add")
