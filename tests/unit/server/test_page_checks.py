"""What the page needs to run checks: the list, the operator's files, and the policy for workers."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from starlette.requests import Request

from ossferry.checks.bundle import PLATFORM, PYTHON
from ossferry.checks.selection import select_checks
from ossferry.errors import NoProofError, SettingsError
from ossferry.identity.principal import Principal
from support.server_fakes import MakeClient, MakeSettings

CHECKS = """from ossferry_checks import check
@check("*.csv", max_seconds=3)
def columns(file): ...
"""
WHEEL = b"PK\3\4 a wheel"
ALL_PACKAGES = ("phonenumbers>=8",)
OUTSIDE = {
    **{"name": "a", "version": "1", "sha256": "0" * 64, "imports": []},
    "file": "../checks.py.whl",
}
"""A package that is outside of the folder of the wheels."""

APP = {"auth": "app", "sign_in_url": "/sign-in"}
PEOPLE_AND_PROGRAMS = {
    "auth": ["oidc", "apikey"],
    "oidc_issuer": "https://id.example.com",
    "oidc_client_id": "uploads",
    "oidc_client_secret": "what-only-the-issuer-and-we-know",
    "public_url": "http://127.0.0.1:8000",
}


def hash_of(content: bytes) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content).digest()).decode()


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    path = tmp_path / "checks.py"
    path.write_text(CHECKS)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that `ossferry checks bundle` has filled."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    write_bundle(folder)
    return folder


@pytest.fixture
def start(make_client: MakeClient, checks: Path, folder: Path) -> MakeClient:
    """Return a function that starts a server whose checks need a package."""
    options = {"checks": checks, "checks_packages": ALL_PACKAGES, "checks_dir": folder}
    return lambda **changes: make_client(**options | changes)


def write_bundle(folder: Path, **changes: object) -> None:
    name = "phonenumbers-8.1-py3-none-any.whl"
    (folder / name).write_bytes(WHEEL)
    package = {
        "name": "phonenumbers",
        "version": "8.1",
        "file": name,
        "sha256": hashlib.sha256(WHEEL).hexdigest(),
        "imports": ["phonenumbers"],
    }
    document = {
        "requirements": ALL_PACKAGES,
        "python": PYTHON,
        "platform": PLATFORM,
        "packages": [package],
    }
    (folder / "bundle.json").write_text(json.dumps(document | changes))


def test_without_checks_there_is_nothing(make_client: MakeClient) -> None:
    with make_client(checks_built_in={"file_type": False, "pdf": None}) as client:
        assert client.get("/api/checks").status_code == 404
        assert "checks" not in client.post("/api/grant").json()["features"]
        assert "worker-src blob:;" in client.get("/").headers["content-security-policy"]


def test_a_module_has_checks_or_the_model_of_tables(
    make_settings: MakeSettings, checks: Path
) -> None:
    checks.write_text("class Sale: ...\n")
    built_in = {"table": {"model": "Sale"}, "json": True}

    found = select_checks(make_settings(checks=checks, checks_built_in=built_in))

    assert [each["name"] for each in found.checks] == ["table", "json"]
    assert found.version == hash_of(checks.read_bytes())
    with pytest.raises(SettingsError, match="has no check; write"):
        select_checks(make_settings(checks=checks, checks_built_in={"json": True}))


def test_the_repair_of_tables_brings_openpyxl_once(start: MakeClient) -> None:
    table = {"columns": ["id"], "repair": True}
    for others in ({}, {"xlsx": True}):
        with start(checks_built_in={"table": table, **others}) as client:
            found = client.get("/api/checks").json()

        assert [each["name"] for each in found["packages"]] == ["openpyxl", "phonenumbers"]


@pytest.mark.parametrize(
    ("built_in", "own", "replaced"),
    [
        ({"photos": {"heic": True}}, "", ["*.heic", "*.heif", "*.hif"]),
        ({"pdf": True}, "'*.bmp', replaces=True", ["*.bmp"]),
        ({"pdf": True}, "'*.bmp'", []),
    ],
)
def test_the_grant_names_the_files_that_checks_replace(
    make_client: MakeClient,
    checks: Path,
    built_in: dict[str, object],
    own: str,
    replaced: list[str],
) -> None:
    checks.write_text(f"from ossferry_checks import check\n@check({own})\ndef own(file): ...\n")
    with make_client(checks=checks, checks_built_in=built_in) as client:
        limits = client.post("/api/grant").json()["limits"]

    assert limits["replaced"] == replaced


def test_the_page_gets_the_checks_with_all_addresses(start: MakeClient) -> None:
    with start(
        checks_built_in={"xlsx": {"sheets": ["Sales"]}, "pdf": True},
        checks_on_error="allow",
        checks_undo_s=5,
    ) as client:
        answer = client.get("/api/checks")
        features = client.post("/api/grant").json()["features"]
        policy = client.get("/").headers["content-security-policy"]

    assert "checks" in features
    assert "worker-src 'self' blob:;" in policy
    found = answer.json()
    version = hash_of(CHECKS.encode())
    digest, wheel = hashlib.sha256(CHECKS.encode()), hashlib.sha256(WHEEL)
    own = {"name": "columns", "patterns": ["*.csv"], "built_in": False, "replaces": []}
    assert {**own, "max_seconds": 3.0, "seconds_per_mb": 0.0} in found["checks"]
    assert found["on_error"] == "allow"
    assert found["undo_s"] == 5
    assert found["said"]["ar"]["timeout"] == "استغرق أكثر من \u2068{detail}\u2069 ثانية."
    assert found["version"] == version
    assert found["built_in"] == {
        "xlsx": {"sheets": ["Sales"], "columns": [], "allow_macros": False},
        "pdf": {"allow_encrypted": False, "max_pages": None},
    }
    assert found["module"] == {
        "url": f"./checks/files/{digest.hexdigest()[:20]}/checks.py",
        "integrity": version,
    }
    assets = "./assets/checks-5e6f"
    file = "phonenumbers-8.1-py3-none-any.whl"
    assert found["packages"] == [
        packaged("openpyxl", f"{assets}/openpyxl.zip", b"PK openpyxl", "zip"),
        packaged("pypdf", f"{assets}/pypdf.zip", b"PK pypdf", "zip"),
        packaged("phonenumbers", f"./checks/files/{wheel.hexdigest()[:20]}/{file}", WHEEL, "wheel"),
    ]
    assert found["files"] == {
        "worker": f"{assets}/checks_worker.js",
        "library": {"url": f"{assets}/ossferry_checks.zip", "integrity": hash_of(b"PK library")},
        "pyodide": "./assets/pyodide-3c4d/",
        "integrity": {
            "pyodide.mjs": hash_of(b"export {};"),
            "pyodide.asm.wasm": hash_of(b"\0asm" * 200_000),
        },
        "heic": None,
    }


def packaged(name: str, url: str, content: bytes, kind: str) -> dict[str, str]:
    return {"name": name, "url": url, "integrity": hash_of(content), "format": kind}


def test_only_listed_files_are_served_and_kept(
    start: MakeClient, checks: Path, folder: Path
) -> None:
    (folder / "checks.lock").write_text("not for browsers")
    with start() as client:
        found = client.get("/api/checks").json()
        module = client.get(found["module"]["url"][1:])
        wheel = client.get(found["packages"][0]["url"][1:])
        checks.write_text("changed")
        again = client.get(found["module"]["url"][1:])
        again_304 = client.get(
            found["module"]["url"][1:], headers={"if-none-match": module.headers["etag"]}
        )
        base = found["packages"][0]["url"][1:].rpartition("/")[0]
        paths = ("checks.lock", "bundle.json", "..%2fchecks.py", "checks.py")
        others = [client.get(f"{base}/{name}").status_code for name in paths]

    assert module.text == again.text == CHECKS
    assert again_304.status_code == 304
    assert wheel.content == WHEEL
    assert module.headers["content-type"] == "text/x-python; charset=utf-8"
    assert wheel.headers["content-type"] == "application/zip"
    for each in (module, wheel):
        assert each.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert each.headers["content-security-policy"].startswith("default-src 'none'")
    assert others == [404] * 4


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        (APP, {}),
        (APP, {"sec-fetch-dest": "empty"}),
        (APP, {"sec-fetch-dest": "iframe"}),
        ({"auth": "apikey"}, {}),
        (PEOPLE_AND_PROGRAMS, {}),
        (PEOPLE_AND_PROGRAMS, {"authorization": "Bearer junk"}),
    ],
)
def test_t63_no_stranger_learns_the_checks_or_their_addresses(
    make_client: MakeClient,
    checks: Path,
    keys_file: Path,
    options: dict[str, object],
    headers: dict[str, str],
) -> None:
    async def nobody(_request: Request) -> Principal:
        raise NoProofError("Nobody is signed in.")

    identify = nobody if options == APP else None
    with make_client(
        checks=checks, api_keys_file=keys_file, identify=identify, **options
    ) as client:
        answer = client.get("/api/checks", headers=headers)

    assert answer.status_code == 401
    assert "checks.py" not in answer.text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"checks_dir": None}, "OSSFERRY_CHECKS_DIR is missing: .*run `ossferry checks bundle`"),
        (
            {"checks_packages": ("phonenumbers>=9",)},
            r"no wheel for phonenumbers>=9; run `ossferry checks bundle` --update\.",
        ),
        (
            {"checks_built_in": {"table": {"model": "Row"}}},
            "has no class Row, which table.model names",
        ),
    ],
)
def test_the_server_does_not_start_without_the_wheels(
    start: MakeClient, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        start(**changes)


def test_an_empty_folder_is_named(start: MakeClient, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"has no bundle\.json; run `ossferry checks bundle`"):
        start(checks_dir=tmp_path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"python": "3.13"}, "for another release of Pyodide"),
        ({"platform": "pyemscripten_2025_0_wasm32"}, "for another release of Pyodide"),
        ({"packages": [{"name": "a"}]}, "bundle.json is damaged"),
        ({"packages": [OUTSIDE]}, "bundle.json is damaged"),
    ],
)
def test_a_wrong_bundle_is_named(
    start: MakeClient, folder: Path, changes: dict[str, object], sentence: str
) -> None:
    write_bundle(folder, **changes)

    with pytest.raises(SettingsError, match=sentence):
        start()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"changed", "is not the file that bundle.json lists"), (None, "cannot be read")],
)
def test_a_changed_wheel_is_noticed(
    start: MakeClient, folder: Path, content: bytes | None, sentence: str
) -> None:
    wheel = next(folder.glob("*.whl"))
    wheel.unlink()
    if content is not None:
        wheel.write_bytes(content)

    with pytest.raises(SettingsError, match=sentence):
        start()


@pytest.mark.parametrize(
    ("gone", "sentence"),
    [
        ("pyodide-", "ossferry.pyodide"),
        ("checks_worker.js", "the built page has no checks_worker.js"),
        ("pypdf.zip", "the built page has no pypdf.zip"),
    ],
)
def test_an_incomplete_page_cannot_run_checks(
    make_client: MakeClient, web_dir: Path, gone: str, sentence: str
) -> None:
    path = web_dir / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"] = {url: each for url, each in manifest["files"].items() if gone not in url}
    path.write_text(json.dumps(manifest))

    with pytest.raises(SettingsError, match=sentence):
        make_client(checks_built_in={"pdf": True})


@pytest.mark.usefixtures("without_pyodide")
def test_checks_need_the_package_with_pyodide(make_client: MakeClient) -> None:
    with pytest.raises(SettingsError, match=r"need Pyodide\. .*pip install .+/ossferry_pyodide-"):
        make_client(checks_built_in={"pdf": True})


def test_a_model_needs_pydantic_in_the_page(make_client: MakeClient, checks: Path) -> None:
    checks.write_text(CHECKS + "class Row: ...\n")

    with pytest.raises(SettingsError, match=r"table\.model needs pydantic; add it to"):
        make_client(checks=checks, checks_built_in={"table": {"model": "Row"}})
