"""The page and its assets: only files in the manifest, in the best encoding, cached for ever."""

from pathlib import Path

import httpx
import pytest

from ossferry.errors import SettingsError
from ossferry.extras import install_command
from support.server_fakes import MakeClient

SCRIPT = "/assets/app-1a2b/boot.js"
LARGE = "/assets/pyodide-3c4d/pyodide.asm.wasm"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("GZIP", "gzip"),
        ("identity", None),
        ("br; q=0.0", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("url", [SCRIPT, LARGE], ids=["small", "large"])
def test_the_best_accepted_encoding_is_served(
    client: httpx.Client, url: str, accepted: str, encoding: str | None
) -> None:
    with client.stream("GET", url, headers={"accept-encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())

    assert answer.status_code == 200
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert int(answer.headers["content-length"]) == len(raw)
    assert raw.startswith({"br": b"br:", "gzip": b"gz:"}.get(encoding or "", b""))


def test_assets_are_kept_for_ever_under_their_type(client: httpx.Client) -> None:
    headers = {"accept-encoding": "identity"}
    script = client.get("/assets/pyodide-3c4d/pyodide.mjs", headers=headers)
    wasm = client.get(LARGE, headers=headers)

    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert wasm.headers["content-type"] == "application/wasm"
    assert len(wasm.content) == 800_000


@pytest.mark.parametrize("url", ["/", SCRIPT, LARGE])
def test_an_unchanged_file_is_not_sent_again(client: httpx.Client, url: str) -> None:
    headers = {"accept-encoding": "identity"}
    first = client.get(url, headers=headers)
    etag = first.headers["etag"]

    again = client.get(url, headers={**headers, "if-none-match": f'"other", W/{etag}'})

    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "vary", "content-security-policy"):
        assert again.headers[name] == first.headers[name]


def test_each_encoding_has_an_etag_of_its_own(client: httpx.Client) -> None:
    with client.stream("GET", SCRIPT, headers={"accept-encoding": "br"}) as br:
        etag = br.headers["etag"]

    assert etag != client.get(SCRIPT, headers={"accept-encoding": "identity"}).headers["etag"]


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../not-in-the-manifest.txt",
        "/assets/%2e%2e/not-in-the-manifest.txt",
        "/assets/..%2fnot-in-the-manifest.txt",
        "/assets/app-1a2b/boot.js.br",
        "/assets/app-1a2b/",
        "/assets//etc/passwd",
        "/assets/app-1a2b/boot.js/",
        "/manifest.json",
    ],
)
def test_t10_only_what_the_manifest_lists_is_served(client: httpx.Client, path: str) -> None:
    assert client.get(f"http://127.0.0.1:8000{path}").status_code == 404


def test_the_page_is_the_one_of_the_settings(client: httpx.Client) -> None:
    page = client.get("/")

    assert page.text == "<html data-runtime=micropython>"
    assert page.headers["cache-control"] == "no-cache"
    assert client.get("/?runtime=pyodide").text == page.text


def test_the_demo_lets_the_address_choose_the_interpreter(make_client: MakeClient) -> None:
    with make_client(runtime="pyodide", runtime_query=True) as client:
        assert client.get("/").text == "<html data-runtime=pyodide>"
        assert client.get("/?runtime=micropython").text == "<html data-runtime=micropython>"
        assert client.get("/?runtime=../x").text == "<html data-runtime=pyodide>"


@pytest.mark.parametrize("missing", ["index.pyodide.html", "assets/app-1a2b/boot.js.gz"])
def test_start_with_half_a_page_says_what_to_run(
    make_client: MakeClient, web_dir: Path, missing: str
) -> None:
    (web_dir / missing).unlink()

    with pytest.raises(SettingsError, match=r"run `make build`\.$"):
        make_client()


@pytest.mark.parametrize("url", [SCRIPT, LARGE])
def test_t37_start_with_a_byte_changed_on_disk_is_refused(
    make_client: MakeClient, web_dir: Path, url: str
) -> None:
    path = web_dir / url.lstrip("/")
    path.write_bytes(path.read_bytes()[:-1] + b"!")

    with pytest.raises(SettingsError, match=r"run `make build`\.$"):
        make_client()


def test_without_pyodides_package_the_page_runs_on_micropython(
    make_client: MakeClient, without_pyodide: Path
) -> None:
    with make_client(runtime_query=True) as client:
        client.headers["accept-encoding"] = "identity"
        page, script, missing = client.get("/"), client.get(SCRIPT), client.get(LARGE)
        other = client.get("/?runtime=pyodide")

    assert (page.status_code, script.status_code, missing.status_code) == (200, 200, 404)
    assert other.status_code == 404
    assert install_command("pyodide") in other.json()["detail"]


def test_without_pyodides_package_the_server_does_not_start_with_pyodide(
    make_client: MakeClient, without_pyodide: Path
) -> None:
    with pytest.raises(
        SettingsError, match=r"^OSSFERRY_RUNTIME: .*pip install .+/ossferry_pyodide-"
    ):
        make_client(runtime="pyodide")


def test_pyodides_files_come_from_the_installed_package(
    make_client: MakeClient, without_pyodide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(without_pyodide)
    with make_client(runtime="pyodide") as client:
        assert client.get("/").text == "<html data-runtime=pyodide>"
        assert len(client.get(LARGE, headers={"accept-encoding": "identity"}).content) == 800_000


def test_a_package_of_another_release_is_no_help(
    make_client: MakeClient, without_pyodide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = without_pyodide / "ossferry_pyodide" / "assets"
    (assets / "pyodide-3c4d").rename(assets / "pyodide-5e6f")
    monkeypatch.syspath_prepend(without_pyodide)

    with pytest.raises(SettingsError, match=r"pip install .+/ossferry_pyodide-"):
        make_client(runtime="pyodide")


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_t37_start_with_a_damaged_package_is_refused(
    make_client: MakeClient, without_pyodide: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    path = without_pyodide / "ossferry_pyodide" / LARGE.lstrip("/")
    path.write_bytes(b"!") if damage == "changed" else path.unlink()
    monkeypatch.syspath_prepend(without_pyodide)

    with pytest.raises(SettingsError, match="ossferry_pyodide"):
        make_client()
