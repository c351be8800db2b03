"""Custom domains, and several hosts for one bucket."""

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from e2e.conftest import Console, MakeFile, StartDemo
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, arrived, asked, expect_whole, noise
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.relay import Relay

pytestmark = pytest.mark.e2e


DOMAIN = "files.localhost"
OTHER = "other.localhost"
CONNECTIONS = 6
REFUSED = "the server responded with a status of"
NO_UPLOAD = f"{REFUSED} 404"  # the response to the page's probes of several hosts
NO_ANSWER = "Failed to load resource: net::"


@pytest.fixture
def relay() -> Iterator[Relay]:
    made = Relay()
    yield made
    made.stop()


def ready(uploader: UploaderPage) -> UploaderPage:
    uploader.start()
    return uploader


def hosts(demo: Demo, operation: str) -> set[str]:
    """Return the host names, without ports, of the requests of one operation."""
    return {seen.host.partition(":")[0] for seen in asked(demo, operation)}


def test_r46_files_arrive_by_a_custom_domain_where_the_public_endpoint_is_refused(
    start_demo: StartDemo, page: Page, make_file: MakeFile
) -> None:
    demo, uploader = start_demo(custom_domain=DOMAIN)
    ready(uploader)
    content = noise(20 * MIB, seed=71)

    uploader.choose(make_file("large.bin", content))
    uploader.drop(note__txt="by a custom domain")

    uploader.row("note.txt").expect_state("done")
    uploader.row("large.bin").expect_state("done", timeout_ms=120_000)
    expect_whole(demo, "large.bin", content)
    assert hosts(demo, "UploadPart") == hosts(demo, "PostObject") == {DOMAIN}
    assert [seen for seen in asked(demo, "ListParts") if seen.status == 404] == []  # one host
    uploader.row("note.txt").locator.get_by_role("button", name="Share").click()
    share = uploader.dialog("share")
    share.get_by_role("button", name="Make a link").click()
    field = share.get_by_label("Link", exact=True)
    expect(field).to_have_value(re.compile("/s/"))
    read = "(url) => fetch(url).then(async (answer) => [answer.url, await answer.text()])"
    address, text = page.evaluate(read, field.input_value())
    assert (urlsplit(address).hostname, text) == (DOMAIN, "by a custom domain")


def test_r47_an_upload_goes_on_at_the_next_host_when_the_first_dies(
    start_demo: StartDemo, console: Console, make_file: MakeFile, relay: Relay
) -> None:
    console.expected += [NO_UPLOAD, NO_ANSWER]
    endpoint = f"http://{DOMAIN}:{relay.port}"
    demo, uploader = start_demo(custom_domain=DOMAIN, upload_hosts=[OTHER], endpoint=endpoint)
    relay.dies_after = 12 * MIB
    relay.start(demo.oss.port)
    ready(uploader)
    content = noise(40 * MIB, seed=72)

    uploader.choose(make_file("long.bin", content))

    uploader.row("long.bin").expect_state("done", timeout_ms=120_000)
    expect_whole(demo, "long.bin", content)
    assert len(asked(demo, "InitiateMultipartUpload")) == 1
    kept = [seen.params["partNumber"] for seen in arrived(demo, "long.bin") if DOMAIN in seen.host]
    again = [seen.params["partNumber"] for seen in arrived(demo, "long.bin") if OTHER in seen.host]
    assert kept
    assert again
    assert max(Counter(again).values()) == 1
    assert len(set(kept) & set(again)) <= CONNECTIONS  # parts whose responses were lost
    assert hosts(demo, "CompleteMultipartUpload") == {OTHER}


def test_r49_a_custom_domain_that_cannot_be_reached_is_suspected_and_waited_for(
    start_demo: StartDemo, console: Console, relay: Relay
) -> None:
    console.expected.append(NO_ANSWER)
    endpoint = f"http://{DOMAIN}:{relay.port}"
    demo, uploader = start_demo(custom_domain=DOMAIN, endpoint=endpoint)
    relay.stop()
    ready(uploader)

    row = uploader.drop(note__txt="x")

    row.expect_says("its domain or certificate may be at fault")
    expect(uploader.notice("storage_away")).to_contain_text(f"{DOMAIN}:{relay.port}")
    row.expect_state("paused")
    relay.start(demo.oss.port)
    row.expect_state("done", timeout_ms=30_000)
