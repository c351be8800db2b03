"""The folder of an application's permission, enforced by the mock OSS."""

from collections.abc import Callable

import httpx
import oss2
import pytest
from starlette.requests import Request

from ossferry import Permission, Principal, Wanted, create_app
from ossferry.cli.demo import SERVER, Demo
from ossferry.oss.sts import StsClient, access_key
from support.app_client import app_client
from support.uploads import granted_bucket


async def authorize(_principal: Principal, request: Request, _wanted: Wanted) -> Permission:
    """Allow the folder that the test names."""
    return Permission(folder=request.headers.get("x-folder", ""), types=["image/png"])


@pytest.fixture
def ask(demo: Demo) -> Callable[[str], dict[str, str]]:
    """Return a function that requests a grant for a folder."""
    app = create_app(
        demo.settings.model_copy(update={"requests": False}),
        assume_role=StsClient(demo.settings, access_key(*next(iter(SERVER.keys.items())))),
        authorize=authorize,
    )

    def grant(folder: str) -> dict[str, str]:
        with app_client(app, demo.url) as site:
            found: dict[str, str] = site.post("/api/grant", headers={"x-folder": folder}).json()
        return found

    return grant


def test_t17_oss_refuses_what_is_outside_the_folder(
    demo: Demo, ask: Callable[[str], dict[str, str]]
) -> None:
    grant = ask("course-7")
    bucket = granted_bucket(grant, demo)
    own = grant["prefix"].removesuffix("course-7/")

    bucket.put_object(f"{own}course-7/a.png", b"hello")
    for key in (f"{own}a.png", f"{own}course-70/a.png", f"{own}course-8/a.png"):
        with pytest.raises(oss2.exceptions.AccessDenied):
            bucket.put_object(key, b"hello")


def test_t17_a_larger_folder_later_does_not_change_earlier_credentials(
    demo: Demo, ask: Callable[[str], dict[str, str]]
) -> None:
    narrow, wide = ask("course-7"), ask("")

    granted_bucket(wide, demo).put_object(f"{wide['prefix']}a.png", b"hello")
    with pytest.raises(oss2.exceptions.AccessDenied):
        granted_bucket(narrow, demo).put_object(f"{wide['prefix']}a.png", b"hello")


def test_t17_oss_refuses_a_form_for_another_folder(demo: Demo) -> None:
    settings = demo.settings.model_copy(update={"grant": "form", "requests": False})
    app = create_app(
        settings,
        assume_role=StsClient(settings, access_key(*next(iter(SERVER.keys.items())))),
        authorize=authorize,
    )
    with app_client(app, demo.url) as site:
        grant = site.post("/api/grant", headers={"x-folder": "course-7"}).json()
    own = grant["prefix"].removesuffix("course-7/")

    def send(key: str, content_type: str) -> int:
        fields = {**dict(grant["form"]), "key": key, "x-oss-content-type": content_type}
        with httpx.Client(trust_env=False) as client:
            url = f"http://127.0.0.1:{demo.oss.port}/"
            host = {"host": f"{grant['bucket']}.localhost:{demo.oss.port}"}
            answer = client.post(url, data=fields, files={"file": b"hello"}, headers=host)
            return answer.status_code

    assert send(f"{own}course-7/a.png", "image/png") == 200
    assert send(f"{own}course-8/a.png", "image/png") == 403
    assert send(f"{own}course-7/a.pdf", "application/pdf") == 403
