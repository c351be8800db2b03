"""The server below a path of another application: routes, links, redirects, limits and sign-in."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from unittest.mock import patch
from urllib.parse import quote

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

from ossferry.access.rate_limits import Rates
from ossferry.authentication.app import app_authenticator
from ossferry.errors import ApplicationLostError, NoProofError, NotIdentifiedError, StorageLostError
from ossferry.identity.principal import Principal
from ossferry.mount import mount_path, route_path
from ossferry.settings.model import Settings
from ossferry.state.counter import Counter
from support.app_client import app_client
from support.server_fakes import OBJECTS, MakeApp, MakeClient

PAGE = {"accept": "text/html", "sec-fetch-dest": "document"}
CAROL = {"x-user": "carol"}
SCHOOL = "https://school.example/"
PAGE_ADDRESS = "%2Four%2Fuploads%2F%3Flang%3Dja"


async def identify(request: Request) -> Principal:
    """Identify people by a header that stands for the session of the application."""
    user = request.headers.get("x-user", "")
    if user == "lost":
        raise StorageLostError("canary")
    if user == "guess":
        raise NotIdentifiedError("Please sign in.")
    if not user:
        raise NoProofError("Please sign in.")
    return Principal(id=user, name=user.title())


@pytest.fixture
def mounted(make_app: MakeApp) -> MakeClient:
    """Return a function that mounts a server with these settings, and returns its client."""

    def mount(path: str = "/our/uploads", **changes: object) -> httpx.Client:
        uploads = make_app(auth="app", identify=identify, **OBJECTS, **changes)

        @asynccontextmanager
        async def lifespan(_app: Starlette) -> AsyncIterator[None]:
            async with uploads.router.lifespan_context(uploads):
                yield

        return app_client(Starlette(routes=[Mount(path, uploads)], lifespan=lifespan))

    return mount


@contextmanager
def open_page(client: httpx.Client, path: str, **headers: str) -> Iterator[httpx.Response]:
    with client:
        yield client.get(path, headers={**PAGE, **headers})


def links(page: str) -> set[str]:
    """Return the paths of all links, styles, scripts and images of a page."""
    return set(re.findall(r'(?:href|src|action)="(/[^"]*)"', page))


@pytest.mark.parametrize(
    ("scope", "mount", "route"),
    [
        ({"path": "/api/grant"}, "", "/api/grant"),
        ({"path": "/up/api/grant", "root_path": "/up"}, "/up", "/api/grant"),
        ({"path": "/up/", "root_path": "/up/"}, "/up", "/"),
        ({"path": "/\u6f22 a/x", "root_path": "/\u6f22 a"}, "/%E6%BC%A2%20a", "/x"),
        ({"path": "//evil.example/x", "root_path": "//evil.example"}, "/evil.example", "/x"),
        ({"path": "/\\evil/x", "root_path": "/\\evil"}, "/%5Cevil", "/x"),
    ],
    ids=["none", "mounted", "slash", "encoded", "no-host", "no-backslash"],
)
def test_the_mount_is_a_path_of_this_host(scope: dict[str, str], mount: str, route: str) -> None:
    assert (mount_path(scope), route_path(scope)) == (mount, route)


def test_the_page_and_its_files_are_below_the_mount(mounted: MakeClient) -> None:
    with mounted() as client:
        page = client.get("/our/uploads/", headers=CAROL)
        script = client.get(
            "/our/uploads/assets/app-1a2b/boot.js", headers={"accept-encoding": "identity"}
        )

        assert (page.status_code, script.status_code) == (200, 200)
        assert "trusted-types" in page.headers["content-security-policy"]
        assert "immutable" in script.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    ["/form", f"/form/back?upload=2026-03-14.{'0' * 32}.{'0' * 32}", "/nowhere", "/admin"],
    ids=["form", "back", "nowhere", "admin"],
)
def test_links_of_other_pages_are_below_the_mount(mounted: MakeClient, path: str) -> None:
    with open_page(mounted(admins=("carol",)), f"/our/uploads{path}", **CAROL) as page:
        found = links(page.text)

    assert page.status_code == (404 if path == "/nowhere" else 200)
    assert "/our/uploads/" in found
    assert [each for each in found if not each.startswith("/our/uploads/")] == []
    assert any(each.endswith("/form.js") for each in found) == (path == "/form")


def test_oss_returns_the_browser_of_a_form_to_the_mount(mounted: MakeClient) -> None:
    with open_page(mounted(), "/our/uploads/form", **CAROL) as page:
        back = re.findall(r'name="success_action_redirect" value="([^"]*)"', page.text)

    assert [each.partition("?")[0] for each in back] == [
        "http://127.0.0.1:8000/our/uploads/form/back"
    ]


def test_a_long_body_is_taken_below_the_mount_too(mounted: MakeClient) -> None:
    report = {"key": "uploads/x", "size": 1, "crc64": "1", "request_id": "0" * 24}
    with mounted() as client:
        answer = client.post(
            "/our/uploads/api/receipts/batch",
            json={"reports": [report] * 200},
            headers={"x-user": "carol"},
        )

        assert answer.json()["code"] == "foreign-key"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_below_the_mount_may_have_any_host(mounted: MakeClient, path: str) -> None:
    with mounted() as client:
        probe = client.get(f"/our/uploads{path}", headers={"host": "10.0.0.7"})
        other = client.get("/our/uploads/openapi.json", headers={"host": "10.0.0.7"})

        assert probe.status_code != 421
        assert other.status_code == 421


@pytest.mark.parametrize(
    ("sign_in_url", "path", "address"),
    [
        ("/sign-in?next={return}", "/?lang=ja", f"/sign-in?next={PAGE_ADDRESS}"),
        ("/sign-in", "/?lang=ja", "/sign-in"),
        (
            f"{SCHOOL}?back={{return}}",
            "/?lang=ja",
            f"{SCHOOL}?back=http%3A%2F%2F127.0.0.1%3A8000{PAGE_ADDRESS}",
        ),
        *(
            (
                "/sign-in?next={return}",
                path,
                "/sign-in?next=" + quote(f"/our/uploads{path}", safe=""),
            )
            for path in ("/admin?principal=x", "/admin/uploads.csv", "/form/arrived")
        ),
    ],
    ids=["path", "no return", "other host", "admin", "CSV", "form"],
)
def test_a_stranger_goes_to_the_sign_in_page_and_returns(
    mounted: MakeClient, sign_in_url: str, path: str, address: str
) -> None:
    with open_page(mounted(sign_in_url=sign_in_url), f"/our/uploads{path}") as answer:
        assert (answer.status_code, answer.headers["location"]) == (303, address)


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/admin", {"accept": "*/*"}), ("/admin", {"sec-fetch-dest": "iframe"}), ("/api/objects", {})],
    ids=["program", "in-a-frame", "no-page"],
)
def test_these_requests_without_a_session_are_refused(
    mounted: MakeClient, path: str, headers: dict[str, str]
) -> None:
    client = mounted(sign_in_url="/sign-in")
    with open_page(client, f"/our/uploads{path}", **headers) as answer:
        assert answer.status_code == 401


@pytest.mark.parametrize("user", ["guess", ""], ids=["wrong", "none"])
def test_the_page_is_told_that_the_message_of_identify_is_for_the_person(
    mounted: MakeClient, user: str
) -> None:
    with mounted() as client:
        problem = client.post("/our/uploads/api/grant", headers={"x-user": user}).json()

    assert (problem["detail"], problem["reason"]) == ("Please sign in.", "application")


def test_login_leads_to_the_sign_in_page(mounted: MakeClient) -> None:
    with open_page(mounted(sign_in_url="/sign-in?next={return}"), "/our/uploads/login") as answer:
        assert answer.headers["location"] == "/sign-in?next=%2Four%2Fuploads%2F"
    with open_page(mounted(), "/our/uploads/login") as answer:
        assert answer.status_code == 404


@pytest.mark.parametrize(
    "headers",
    [CAROL, {"sec-fetch-dest": "iframe"}, {"x-user": "lost"}],
    ids=["signed-in", "in-a-frame", "unknown-now"],
)
def test_these_people_see_the_page(mounted: MakeClient, headers: dict[str, str]) -> None:
    with open_page(mounted(sign_in_url="/sign-in"), "/our/uploads/", **headers) as answer:
        assert answer.status_code == 200


async def test_a_slow_application_is_cancelled(settings: Settings) -> None:
    ended: list[str] = []

    async def never(_request: Request) -> Principal:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")
        raise AssertionError

    rates = Rates(settings, Counter(settings, monotonic=lambda: 0.0))
    slow = app_authenticator(settings, never, rates, patience_s=0)
    with pytest.raises(ApplicationLostError):
        await slow.identify(Request({"type": "http"}))

    assert ended == ["cancelled"]


@patch("ossferry.access.rate_limits.FAILURES", "2/minute")
@pytest.mark.parametrize(
    ("path", "statuses"),
    [("admin", [303, 303, 429]), ("", [303, 303, 200, 200])],  # the page tells the person to wait
    ids=["admin", "page"],
)
def test_t51_each_guess_counts_once(mounted: MakeClient, path: str, statuses: list[int]) -> None:
    headers = {**PAGE, "x-user": "guess"}
    with mounted(sign_in_url="/sign-in") as client:
        found = [client.get(f"/our/uploads/{path}", headers=headers).status_code for _ in statuses]
        refused = client.post("/our/uploads/api/grant", headers=CAROL)

    assert (found, refused.status_code) == (statuses, 429)
