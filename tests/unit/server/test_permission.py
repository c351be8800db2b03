"""What an application allows: it narrows the settings, and an error in it is never a grant."""

import asyncio
import json
from base64 import b64decode
from functools import partial
from itertools import product
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

from ossferry import Permission, Principal, Wanted
from ossferry.authentication.demo import DEMO_USERS
from ossferry.errors import (
    ApplicationLostError,
    AuthorizationError,
    NotAllowedError,
    StorageLostError,
)
from ossferry.grants.file_types import takes
from ossferry.grants.permission import Authorizer
from ossferry.settings.model import Settings
from support.app_client import app_client
from support.forms import shown
from support.server_fakes import (
    ALICE,
    OBJECTS,
    FakeStore,
    FakeSts,
    MakeApp,
    MakeClient,
    MakeSettings,
    UnexpectedError,
)

HTML = {"accept": "text/html"}
GRANTS = [
    ("POST", "/api/grant"),
    ("GET", "/get_sts_token"),
    ("POST", "/api/form"),
    ("GET", "/form"),
]
"""All routes that give rights to upload."""


class School:
    """An application; `answer` is what `authorize` returns or raises."""

    def __init__(self) -> None:
        self.answer: Any = None
        self.asked: list[tuple[Principal, Wanted]] = []
        self.paths: list[dict[str, Any]] = []

    async def authorize(
        self, principal: Principal, request: Request, wanted: Wanted
    ) -> Permission | None:
        self.asked.append((principal, wanted))
        self.paths.append(request.path_params)
        if isinstance(self.answer, BaseException):
            raise self.answer
        found: Permission | None = self.answer
        return found


@pytest.fixture
def school() -> School:
    return School()


@pytest.fixture
def make_school_client(make_client: MakeClient, school: School) -> MakeClient:
    """Return a function that creates a client of a server that asks the school."""
    return partial(make_client, **OBJECTS, authorize=school.authorize)


@pytest.fixture
def at_school(make_school_client: MakeClient) -> httpx.Client:
    return make_school_client()


def resources(sts: FakeSts) -> list[str]:
    """Return the resources that the credentials may write, for each call to STS."""
    return [json.loads(call["policy"])["Statement"][0]["Resource"][0] for call in sts.calls]


def conditions(fields: dict[str, str]) -> list[Any]:
    found: list[Any] = json.loads(b64decode(fields["policy"]))["conditions"]
    return found


def test_none_allows_what_the_settings_allow(at_school: httpx.Client, client: httpx.Client) -> None:
    mine, usual = (each.post("/api/grant").json() for each in (at_school, client))

    assert mine["prefix"] == usual["prefix"] == ALICE.prefix
    assert mine["limits"] == usual["limits"] | {"quota": mine["limits"]["quota"]}


@pytest.mark.parametrize(("method", "path"), GRANTS)
def test_every_route_that_gives_rights_keeps_to_the_folder(
    at_school: httpx.Client, school: School, sts: FakeSts, method: str, path: str
) -> None:
    school.answer = Permission(folder="course-7/essays")

    answer = at_school.request(method, path)

    assert answer.status_code == 200
    assert resources(sts) == [f"acs:oss:*:*:web-direct-upload/{ALICE.prefix}course-7/essays/*"]


def test_the_page_learns_the_folder_and_the_limits(
    at_school: httpx.Client, school: School, audit_lines: list[dict[str, str]]
) -> None:
    school.answer = Permission(folder="essays", max_file_size=1000, types=["image/PNG"])

    grant = at_school.post("/api/grant").json()

    assert grant["prefix"] == f"{ALICE.prefix}essays/"
    assert grant["limits"]["max_file_size"] == 1000
    assert grant["limits"]["types"] == ["image/png"]
    assert audit_lines[-1]["scope"].endswith("/essays/")


def test_two_folders_never_share_a_grant(
    at_school: httpx.Client, school: School, sts: FakeSts
) -> None:
    for folder in ("a", "b", "", "a"):
        school.answer = Permission(folder=folder)
        at_school.post("/api/grant")

    assert [
        each.removeprefix(f"acs:oss:*:*:web-direct-upload/{ALICE.prefix}")
        for each in resources(sts)
    ] == ["a/*", "b/*", "*"]


def test_a_form_for_the_page_has_the_limits_of_the_application(
    make_school_client: MakeClient, school: School
) -> None:
    school.answer = Permission(folder="essays", max_file_size=1000, types=["image/png"])
    with make_school_client(grant="form") as client:
        grant = client.post("/api/grant").json()

    checked = conditions(dict(grant["form"]))
    assert ["starts-with", "$key", f"{ALICE.prefix}essays/"] in checked
    assert ["content-length-range", 0, 1000] in checked
    assert ["in", "$x-oss-content-type", ["image/png"]] in checked
    assert grant["limits"]["max_file_size"] == 1000


def test_a_form_for_one_file_is_in_the_folder(at_school: httpx.Client, school: School) -> None:
    school.answer = Permission(folder="essays", max_file_size=1000, types=["image/png"])

    form = at_school.post("/api/form", json={"name": "a.png", "type": "image/png"}).json()

    assert form["key"].startswith(f"{ALICE.prefix}essays/2026-03-14/")
    assert form["limits"] | {"quota": None} == {
        "min_size": 0,
        "max_size": 1000,
        "types": ["image/png"],
        "quota": None,
    }
    assert {"key": form["key"]} in conditions(dict(form["fields"]))


@pytest.mark.parametrize("types", [[], ["image/*"]], ids=str)
def test_the_form_without_scripts_cannot_check_types_of_an_application(
    make_school_client: MakeClient, school: School, types: list[str]
) -> None:
    school.answer = Permission(types=["image/png"])
    with make_school_client(allowed_types=types) as client:
        answer = client.get("/form", headers=HTML)

    assert answer.status_code == 404
    assert "Only some types of files are taken here" in answer.text


def test_the_form_without_scripts_returns_to_its_folder(
    at_school: httpx.Client, school: School, store: FakeStore
) -> None:
    school.answer = Permission(folder="course-7/essays")
    back = httpx.URL(shown(at_school.get("/form").text)["success_action_redirect"])
    day, random, _ = back.params["upload"].split(".")
    store.put(f"{ALICE.prefix}course-7/essays/{day}/{random}/a.txt")

    forward = at_school.get(f"/form/back?{back.query.decode()}")
    arrived = at_school.get(f"/form/arrived?{back.query.decode()}", headers=HTML)
    other = back.copy_set_param("folder", "course-8")
    stolen = at_school.get(f"/form/arrived?{other.query.decode()}")

    assert "folder=course-7%2Fessays" in forward.text
    assert (arrived.status_code, "a.txt" in arrived.text) == (200, True)
    assert stolen.status_code == 404


def test_the_application_learns_who_asks_for_what(at_school: httpx.Client, school: School) -> None:
    at_school.post("/api/grant")
    at_school.post("/api/form", json={"name": "a.png", "type": "image/png", "size": 5})

    alice = DEMO_USERS["alice"]
    assert school.asked == [
        (alice, Wanted(kind="credentials")),
        (alice, Wanted(kind="form", name="a.png", size=5, content_type="image/png")),
    ]


def test_the_application_learns_the_parameters_of_its_own_path(
    make_app: MakeApp, school: School
) -> None:
    uploads = make_app(authorize=school.authorize)
    with app_client(Starlette(routes=[Mount("/courses/{course}/uploads", uploads)])) as client:
        client.post("/courses/7/uploads/api/grant")

    assert [each["course"] for each in school.paths] == ["7"]


@pytest.mark.parametrize(("method", "path"), GRANTS)
def test_a_refusal_of_the_application_reaches_the_person(
    at_school: httpx.Client,
    school: School,
    sts: FakeSts,
    audit_lines: list[dict[str, str]],
    method: str,
    path: str,
) -> None:
    school.answer = NotAllowedError("The course is closed.", code="course-closed")

    answer = at_school.request(method, path)

    problem = answer.json()
    assert answer.status_code == 403
    assert problem["code"] == audit_lines[-1]["outcome"] == "course-closed"
    assert (problem["detail"], problem["reason"]) == ("The course is closed.", "application")
    assert sts.calls == []


@pytest.mark.parametrize(("method", "path"), GRANTS)
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (UnexpectedError("canary"), 500),
        (TimeoutError("canary"), 500),
        (True, 500),
        ({"folder": "essays"}, 500),
        (SimpleNamespace(folder="essays", max_file_size=None, types=()), 500),
        (StorageLostError("canary"), 503),
    ],
    ids=["error", "timeout", "true", "dictionary", "unchecked", "outage"],
)
def test_t17_an_error_in_the_application_is_never_a_grant(
    at_school: httpx.Client,
    school: School,
    sts: FakeSts,
    answer: object,
    status: int,
    method: str,
    path: str,
) -> None:
    school.answer = answer

    got = at_school.request(method, path)

    assert got.status_code == status
    assert "canary" not in got.text
    assert sts.calls == []


def test_a_stranger_is_refused_before_the_application_is_asked(
    at_school: httpx.Client, school: School
) -> None:
    stranger = at_school.post("/api/grant", headers={"cookie": "ossferry_demo_user=mallory"})

    assert stranger.status_code == 401
    assert school.asked == []


async def test_a_slow_application_is_cancelled(settings: Settings) -> None:
    ended: list[str] = []

    async def never(_principal: Principal, _request: Request, _wanted: Wanted) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    slow = Authorizer(settings, never, patience_s=0)
    with pytest.raises(ApplicationLostError):
        await slow.allowed(Request({"type": "http"}), ALICE, Wanted(kind="credentials"))

    assert ended == ["cancelled"]


@pytest.mark.parametrize(
    "given",
    [
        {"folder": "../bob"},
        {"folder": "/"},
        {"folder": "a/"},
        {"folder": "a//b"},
        {"folder": "*"},
        {"folder": "a?"},
        {"folder": "${x}"},
        {"folder": "Essays"},
        {"folder": "a" * 129},
        {"max_file_size": 0},
        {"max_file_size": -1},
        {"types": ["*/*"]},
        {"types": "image/png"},
    ],
)
def test_t17_a_malformed_permission_cannot_be_made(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Permission(**given)


@pytest.mark.parametrize("given", [{"message": ""}, {"message": "x" * 301}, {"code": "A b"}])
def test_a_malformed_refusal_cannot_be_made(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        NotAllowedError(**{"message": "No.", **given})


FILES = [
    ("a.png", "image/png"),
    ("a.gif", "image/gif"),
    ("a.csv", "text/csv"),
    ("a", "x/y"),
    ("b", "imagex/y"),
]
LISTS: list[list[str]] = [
    [],
    ["image/*"],
    ["image/png"],
    ["image/png", "text/csv"],
    [".csv"],
    [".csv", "image/gif"],
    ["text/*", "image/png"],
    ["imagex/y"],
]


async def narrowed(settings: Settings, given: Permission) -> Permission:
    """Return what the settings leave of a permission."""
    authorizer = Authorizer(settings, AsyncMock(return_value=given))
    return await authorizer.allowed(Request({"type": "http"}), ALICE, Wanted(kind="form"))


def both_take(file: tuple[str, str], types: tuple[str, str]) -> bool:
    """Return whether two types take a file, both by its name or both by its content type."""
    is_name = {each.startswith(".") for each in types}
    return len(is_name) == 1 and all(takes([each], *file) for each in types)


@pytest.mark.parametrize(("common", "own"), list(product(LISTS, LISTS)), ids=str)
async def test_t17_a_permission_never_widens_the_settings(
    make_settings: MakeSettings, common: list[str], own: list[str]
) -> None:
    settings = make_settings(allowed_types=common, max_file_size=1000)
    given = Permission(types=own, max_file_size=5000, folder="x")
    shared = [each for each in FILES if any(map(partial(both_take, each), product(common, own)))]
    if common and own and not shared:
        with pytest.raises(AuthorizationError, match="none of the types"):
            await narrowed(settings, given)
        return

    allowed = await narrowed(settings, given)

    assert all(takes(allowed.types, *each) for each in shared)
    assert allowed.max_file_size == 1000
    assert allowed.folder == "x"
    for name, content_type in FILES:
        if takes(allowed.types, name, content_type):
            assert takes(common, name, content_type)
            assert takes(own, name, content_type)


@pytest.mark.parametrize("type_", ["image/*", ".csv"])
async def test_a_form_needs_types_that_oss_can_compare(
    make_settings: MakeSettings, type_: str
) -> None:
    with pytest.raises(AuthorizationError, match="exact types"):
        await narrowed(make_settings(grant="form"), Permission(types=["image/png", type_]))


async def test_the_types_that_settings_and_permission_share_must_be_exact(
    make_settings: MakeSettings,
) -> None:
    settings = make_settings(grant="form", allowed_types=["image/png"])
    allowed = await narrowed(settings, Permission(types=["image/*"]))

    assert allowed.types == ("image/png",)
