"""Threat T53: a signed form is modified, or used for another file, bucket or time.

The server signs forms for browsers without Python, and the page signs forms for small files.

The mock's PostObject decides; it shares no code with the signer.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import oss2
import pytest

from contract.mock_oss.clients import oss2_bucket, refusal
from ossferry.cli.demo import Demo
from ossferry_uploader.oss.requests import put_object
from ossferry_uploader.transfer.files import LostFile, Piece
from ossferry_uploader.transfer.grants.forms import Forms
from ossferry_uploader.transfer.grants.grant import read_grant
from support.after_upload import become, operators_bucket
from support.forms import Form, asked, code_of, send, shown

CREDENTIALS_END_S = 901
FORM_ENDS_S = 14 * 60 + 1
WISH = {"name": "a.png", "size": 5, "type": "image/png"}


def empty_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a page that has no files."""
    folder = tmp_path_factory.mktemp("web")
    (folder / "manifest.json").write_text(json.dumps({"files": {}}))
    for runtime in ("micropython", "pyodide"):
        (folder / f"index.{runtime}.html").write_text("<html>")
    return folder


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that accepts only images of at most 100 bytes."""
    folder = empty_page(tmp_path_factory)
    with Demo(web_dir=folder, max_file_size=100, allowed_types=("image/*",)) as running:
        yield running


def client_of(running: Demo) -> Iterator[httpx.Client]:
    """Yield a client of a server, signed in as Alice, and reset the clock afterwards."""
    with httpx.Client(base_url=running.url, trust_env=False) as client:
        yield client
    running.oss.clock.reset()


@pytest.fixture
def site(demo: Demo) -> Iterator[httpx.Client]:
    yield from client_of(demo)


def keys(demo: Demo) -> set[str]:
    return {each.key for each in oss2.ObjectIteratorV2(operators_bucket(demo))}


def widened(form: Form) -> Form:
    """Return the form with a policy that allows everything, and the old signature."""
    document = json.loads(b64decode(form["policy"]))
    document["conditions"] = document["conditions"][:5]
    return form.bent({"policy": b64encode(json.dumps(document).encode()).decode()})


def test_t53_the_form_as_it_was_signed_is_taken(demo: Demo, site: httpx.Client) -> None:
    form = asked(site, **WISH)

    assert send(demo, form).status_code == 200
    assert form["key"] in keys(demo)


BENT: Mapping[str, Mapping[str, str | None]] = {
    "key beside it": {"key": "{directory}b.png"},
    "another prefix": {"key": "uploads/bob-aaaa/x/a.png"},
    "above the prefix": {"key": "{prefix}../bob/a.png"},
    "the prefix alone": {"key": "{prefix}a.png"},
    "whatever the file is called": {"key": "{directory}${filename}"},
    "another type": {"x-oss-content-type": "text/html"},
    "no type": {"x-oss-content-type": None},
    "another type in the other field": {"x-oss-content-type": None, "Content-Type": "image/png"},
    "may overwrite": {"x-oss-forbid-overwrite": "false"},
    "overwriting not mentioned": {"x-oss-forbid-overwrite": None},
    "another answer": {"success_action_status": "201"},
    "no token": {"x-oss-security-token": None},
    "another token": {"x-oss-security-token": "x"},
    "another date": {"x-oss-date": "20300101T000000Z"},
    "another signature": {"x-oss-signature": "0" * 64},
    "another version": {"x-oss-signature-version": "OSS4-HMAC-SHA1"},
    "no policy": {"policy": None},
    "no signature": {"policy": None, "x-oss-signature": None, "x-oss-signature-version": None},
    "public to read": {"x-oss-object-acl": "public-read"},
    "public to write": {"x-oss-object-acl": "public-read-write"},
}


@pytest.mark.parametrize("what", BENT)
def test_t53_a_bent_form_stores_nothing(demo: Demo, site: httpx.Client, what: str) -> None:
    form = asked(site, **WISH)
    directory = form["key"].rpartition("/")[0] + "/"
    prefix = "/".join(directory.split("/")[:2]) + "/"
    changes = {
        name: value and value.replace("{directory}", directory).replace("{prefix}", prefix)
        for name, value in BENT[what].items()
    }
    before = keys(demo)

    answer = send(demo, form.bent(changes), name="a.png")

    assert answer.status_code in (400, 403), answer.text
    assert keys(demo) == before


def test_t53_a_policy_that_allows_more_has_no_signature(demo: Demo, site: httpx.Client) -> None:
    answer = send(demo, widened(asked(site, **WISH)))

    assert (answer.status_code, code_of(answer)) == (403, "SignatureDoesNotMatch")


def test_t53_a_form_ends_with_its_credentials(demo: Demo, site: httpx.Client) -> None:
    form = asked(site, **WISH)
    before = keys(demo)
    demo.oss.clock.advance(CREDENTIALS_END_S)

    answer = send(demo, form)

    demo.oss.clock.reset()
    assert answer.status_code == 403
    assert keys(demo) == before


@pytest.mark.parametrize(("size", "code"), [(4, "EntityTooSmall"), (6, "EntityTooLarge")])
def test_t53_a_file_of_another_size_is_refused(
    demo: Demo, site: httpx.Client, size: int, code: str
) -> None:
    answer = send(demo, asked(site, **WISH), b"x" * size)

    assert (answer.status_code, code_of(answer)) == (400, code)


def test_t53_a_file_above_the_limit_is_refused_by_oss_itself(
    demo: Demo, site: httpx.Client
) -> None:
    form = shown(site.get("/form").text)

    assert code_of(send(demo, form, b"x" * 101)) == "EntityTooLarge"
    assert send(demo, form, b"x" * 100, name="b.png").status_code == 303


def test_t53_a_form_stores_one_object_and_replaces_none(demo: Demo, site: httpx.Client) -> None:
    form = asked(site, **WISH)
    send(demo, form, b"first")

    answer = send(demo, form, b"other")

    assert (answer.status_code, code_of(answer)) == (409, "FileAlreadyExists")
    assert operators_bucket(demo).get_object(form["key"]).read() == b"first"


@pytest.mark.parametrize("name", ["../../bob/a.png", "..\\a.png", "a/../../../b.png", "${key}"])
def test_t53_a_name_leads_nowhere_else(demo: Demo, site: httpx.Client, name: str) -> None:
    form = shown(site.get("/form").text)
    directory = form["key"].removesuffix("${filename}")
    before = keys(demo)

    send(demo, form, name=name, content_type="image/png")

    assert all(key.startswith(directory) for key in keys(demo) - before)


def expect_opens_nothing(demo: Demo, form: Form) -> None:
    """Check that no field of a form works as the secret of its access key."""
    known = form["x-oss-credential"].partition("/")[0]
    for secret in (form["x-oss-signature"], form["policy"], known):
        credentials = (known, secret, form["x-oss-security-token"])
        bucket = oss2_bucket(demo.oss, demo.bucket, credentials=credentials)
        assert refusal(bucket.put_object, form["key"], b"hello") == (403, "SignatureDoesNotMatch")


def test_t53_the_fields_open_nothing_but_the_form(demo: Demo, site: httpx.Client) -> None:
    become(site, "alice")

    expect_opens_nothing(demo, asked(site, **WISH))


def pages_form(site: httpx.Client, name: str, content_type: str = "image/png") -> Form:
    """Return the form that the page makes of a grant, for a small file."""
    grant = read_grant(site.post("/api/grant").json())
    headers = [("content-type", content_type), ("x-oss-forbid-overwrite", "true")]
    file = put_object(f"{grant.prefix}x/{name}", headers, Piece(LostFile(name, "", 10, 0), 0, 10))
    at_s = grant.server_time_s
    request = Forms().request(file, grant, grant.bucket, at_s=at_s, rate_bytes_per_s=0.0)
    assert request
    return Form(request.url, request.headers)


@pytest.fixture(scope="module")
def forms_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo whose server gives signed forms and no credentials, for PNG, PDF and CSV."""
    folder, types = empty_page(tmp_path_factory), ("image/png", "application/pdf", "text/csv")
    with Demo(web_dir=folder, grant="form", max_file_size=100, allowed_types=types) as running:
        yield running


@pytest.fixture(params=["demo", "forms_only"])
def either(request: pytest.FixtureRequest) -> Demo:
    """A demo whose page signs forms with its credentials, and one whose server signs them."""
    running: Demo = request.getfixturevalue(request.param)
    return running


@pytest.fixture
def eithers_site(either: Demo) -> Iterator[httpx.Client]:
    yield from client_of(either)


@pytest.fixture
def forms_site(forms_only: Demo) -> Iterator[httpx.Client]:
    yield from client_of(forms_only)


def test_t53_the_form_of_the_page_is_taken(either: Demo, eithers_site: httpx.Client) -> None:
    form = pages_form(eithers_site, "a.png")

    assert send(either, form).status_code == 200
    assert form["key"] in keys(either)


BENT_BY_THE_PAGE: list[dict[str, str | None]] = [
    {"key": "uploads/bob-aaaa/x/a.png"},
    {"key": None},
    {"success_action_status": "201"},
    {"x-oss-security-token": None},
    {"x-oss-date": "20300101T000000Z"},
    {"x-oss-signature": "0" * 64},
    {"policy": None},
    {"x-oss-object-acl": "public-read"},
]
BENT_TYPES: list[dict[str, str | None]] = [
    {"x-oss-content-type": "text/html"},
    {"x-oss-content-type": "image/png,text/html"},
    {"x-oss-content-type": "image/svg+xml"},
    {"x-oss-content-type": None},
    {"x-oss-content-type": None, "Content-Type": "image/png"},
    {"key": "uploads/"},
]


@pytest.mark.parametrize(
    ("either", "changes"),
    [
        *(("demo", changes) for changes in BENT_BY_THE_PAGE),
        *(("forms_only", changes) for changes in BENT_BY_THE_PAGE + BENT_TYPES),
    ],
    indirect=["either"],
    ids=str,
)
def test_t53_a_bent_form_of_the_page_stores_nothing(
    either: Demo, eithers_site: httpx.Client, changes: dict[str, str | None]
) -> None:
    form = pages_form(eithers_site, "bent.png")
    before = keys(either)

    answer = send(either, form.bent(changes), name="a.png", content_type="image/png")

    assert answer.status_code in (400, 403), answer.text
    assert keys(either) == before


def test_t53_a_form_of_the_page_is_for_files_within_the_limit(
    either: Demo, eithers_site: httpx.Client
) -> None:
    form = pages_form(eithers_site, "large.png")

    assert code_of(send(either, form, b"x" * 101)) == "EntityTooLarge"
    assert send(either, form, b"x" * 100).status_code == 200


@pytest.mark.parametrize(
    ("either", "ends_s"),
    [("demo", CREDENTIALS_END_S), ("forms_only", FORM_ENDS_S)],
    indirect=["either"],
)
def test_t53_a_form_of_the_page_ends_in_time(
    either: Demo, eithers_site: httpx.Client, ends_s: int
) -> None:
    form = pages_form(eithers_site, "late.png")
    either.oss.clock.advance(ends_s)

    answer = send(either, form)

    either.oss.clock.reset()
    assert answer.status_code == 403
    assert form["key"] not in keys(either)


@pytest.mark.parametrize("content_type", ["text/html", "application/pdf2", "text/csv2"])
def test_t53_the_exact_types_of_a_grant_are_exact(
    forms_only: Demo, forms_site: httpx.Client, content_type: str
) -> None:
    form = pages_form(forms_site, "exact", "text/csv")

    answer = send(forms_only, form.bent({"x-oss-content-type": content_type}))

    assert answer.status_code == 403
    assert form["key"] not in keys(forms_only)


def test_t53_the_fields_of_a_grant_open_nothing_but_forms(
    forms_only: Demo, forms_site: httpx.Client
) -> None:
    expect_opens_nothing(forms_only, pages_form(forms_site, "a.png"))
