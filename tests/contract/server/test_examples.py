"""The examples of applications with the uploads below /uploads, run as their first lines say."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from support import programs
from support.examples import EXAMPLES, Example, Running, mock_of_examples, running
from support.uploads import put_with

OURS = {"sec-fetch-site": "same-origin"}
GUIDE = Path(__file__).parents[3] / "docs/embedding.md"
PAGE = {"sec-fetch-dest": "document", "accept": "text/html"}
MAKE_PEOPLE = """
import runpy, sys
with open("school/settings.py", "a") as settings:
    settings.write('PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]')
sys.argv = ["manage.py", "migrate", "--verbosity=0"]
runpy.run_path("manage.py", run_name="__main__")
from django.contrib.auth.models import User
for name in ("carol", "dave"):
    User.objects.create_user(name, password=f"{name}-of-the-school")
"""
"""Python in the folder of the project: a fast hash, the tables, and two people."""

HOSTILE = (
    "//evil.example",
    "///evil.example",
    r"/\evil.example",
    r"\\evil.example",
    "/\t/evil.example",
    "/\r\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\t\\evil.example",
    "https://evil.example",
    "https:/evil.example",
    "javascript:alert(1)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """An example, how people sign in, and how Carol's prefix begins."""

    example: Example
    fields: Callable[[str, str], dict[str, str]]
    prefix: str


def name_only(name: str, _page: str) -> dict[str, str]:
    return {"user": name}


def with_password(name: str, page: str) -> dict[str, str]:
    (token,) = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    return {"username": name, "password": f"{name}-of-the-school", "csrfmiddlewaretoken": token}


FRAMEWORKS = {
    "fastapi": Framework(
        example=Example(target="fastapi_app:app"), fields=name_only, prefix="uploads/carol-"
    ),
    "flask": Framework(
        example=Example(target="flask_app:app"), fields=name_only, prefix="uploads/carol-"
    ),
    "django": Framework(
        example=Example(
            target="school.asgi:application", folder="django_school", before=("-c", MAKE_PEOPLE)
        ),
        fields=with_password,
        prefix="uploads/1-",
    ),
}


@pytest.fixture(scope="module", params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> Framework:
    return FRAMEWORKS[request.param]


@pytest.fixture(scope="module")
def example(
    framework: Framework, tmp_path_factory: pytest.TempPathFactory, web_dir: Path
) -> Iterator[Running]:
    with running(framework.example, tmp_path_factory.mktemp("example"), web_dir) as found:
        yield found


@contextmanager
def signed_in(example: Running, framework: Framework, name: str) -> Iterator[httpx.Client]:
    """Yield a client that comes to the page, signs in, and returns to the page."""
    with httpx.Client(base_url=example.url, trust_env=False, follow_redirects=True) as site:
        form = site.get("/uploads", headers=PAGE)
        assert form.url.path == "/sign-in"
        page = site.post(str(form.url), data=framework.fields(name, form.text))
        assert (page.status_code, page.url.path) == (200, "/uploads/")
        assert "data-runtime" in page.text
        yield site


def test_a_stranger_is_sent_to_the_applications_own_sign_in(example: Running) -> None:
    with httpx.Client(base_url=example.url, trust_env=False) as site:
        page = site.get("/uploads/", headers=PAGE)
        grant = site.post("/uploads/api/grant", headers=OURS)

    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=%2Fuploads%2F")
    assert grant.status_code == 401


def test_the_sign_in_never_leads_to_another_site(example: Running, framework: Framework) -> None:
    led = {}
    for target in HOSTILE:
        with httpx.Client(base_url=example.url, trust_env=False, params={"next": target}) as site:
            form = site.get("/sign-in")
            answer = site.post("/sign-in", data=framework.fields("carol", form.text))
            led[target] = (answer.status_code // 100, answer.headers["location"])

    assert led == dict.fromkeys(HOSTILE, (3, "/uploads/"))


def test_a_person_of_the_applications_session_uploads_to_the_mock(
    example: Running, framework: Framework
) -> None:
    with signed_in(example, framework, "carol") as site:
        grant = site.post("/uploads/api/grant", headers=OURS).json()
        headers = {"x-oss-meta-reference": "order%207"}
        report = put_with(grant, example.oss, b"hello", headers=headers).report
        receipt = site.post("/uploads/api/receipts", json=report, headers=OURS)

    assert grant["prefix"].startswith(framework.prefix)
    assert receipt.status_code == 200
    assert receipt.json()["metadata"] == {"reference": "order 7"}


@pytest.mark.parametrize("framework", ["fastapi"], indirect=True)
@pytest.mark.parametrize("name", ["mallory", ""])
def test_the_fastapi_application_says_that_it_does_not_know_a_name(
    example: Running, name: str
) -> None:
    with httpx.Client(base_url=example.url, trust_env=False) as site:
        answer = site.post("/sign-in", data={"user": name})
        grant = site.post("/uploads/api/grant", headers=OURS)

    assert answer.status_code == 422
    assert "There is no such person; the examples are carol and dave." in answer.text
    assert "<form" in answer.text
    assert "set-cookie" not in answer.headers
    assert grant.status_code == 401


@pytest.mark.parametrize(
    ("file", "words", "port", "count"),
    [
        ("development-world.toml", "the two origins", 8000, 2),
        ("development.env", "the three endpoints", 9000, 3),
    ],
)
def test_the_note_about_other_ports_names_all_lines(
    file: str, words: str, port: int, count: int
) -> None:
    text = (EXAMPLES / file).read_text("utf-8")
    ports = re.findall(r"^[^#\n]*:(8000|9000)\b", text, re.MULTILINE)

    assert ports == [str(port)] * count
    assert words in text
    assert words in GUIDE.read_text("utf-8")


def test_the_recipe_for_tokens_starts_a_server_that_knows_carols_key(
    tmp_path: Path, web_dir: Path
) -> None:
    (recipe,) = re.findall(r"```console\n([^`]*apikey create[^`]*)```", GUIDE.read_text("utf-8"))
    script = recipe.replace("$ ", "").replace("ossferry serve", "exec ossferry serve")
    port, folder = programs.free_port(), tmp_path / "examples"
    environment = {
        "OSSFERRY_PORT": str(port),
        "OSSFERRY_WEB_DIR": str(web_dir),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(GUIDE.parents[1] / "server"),
    }

    with (
        mock_of_examples(tmp_path),
        programs.running(["sh", "-ec", script], folder, port, **environment),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as site,
    ):
        (key,) = re.findall("^osf_.+$", (folder / "program.log").read_text("utf-8"), re.MULTILINE)
        known = site.post("/api/grant", headers={"authorization": f"Bearer {key}"})
        unknown = site.post("/api/grant")
        frames = site.get("/").headers["content-security-policy"]

    assert known.json()["prefix"].startswith("uploads/carol-")
    assert unknown.status_code == 401
    assert "frame-ancestors http://127.0.0.1:8001" in frames


def test_a_session_does_not_help_another_site(example: Running, framework: Framework) -> None:
    with signed_in(example, framework, "carol") as site:
        answer = site.post("/uploads/api/grant", headers={"origin": "https://evil.example"})

    assert answer.json()["code"] == "cross-site"


def test_the_fastapi_application_authorizes(example: Running, framework: Framework) -> None:
    with (
        signed_in(example, framework, "carol") as carol,
        signed_in(example, framework, "dave") as dave,
    ):
        hers, his = (each.post("/uploads/api/grant", headers=OURS) for each in (carol, dave))

    if framework is FRAMEWORKS["fastapi"]:
        assert hers.json()["prefix"].endswith("/pictures/")
        assert hers.json()["limits"]["types"] == ["image/*"]
        assert (his.status_code, his.json()["code"]) == (403, "not-carol")
    else:
        assert hers.json()["prefix"] != his.json()["prefix"]
