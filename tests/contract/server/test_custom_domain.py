"""The server with a new account: uploads, links and its own requests use a custom domain."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import oss2
import pytest

from ossferry.cli.demo import Demo
from ossferry.errors import SettingsError
from support.after_upload import address, fetch_at, operators_bucket
from support.uploads import granted_bucket

DOMAIN = "files.localhost"


@pytest.fixture(scope="module")
def running_demo(web_dir: Path) -> Iterator[Demo]:
    """A demo that gives out a custom domain, with a mock that refuses public endpoints."""
    with Demo(
        web_dir=web_dir, custom_domain=DOMAIN, upload_hosts=("oss-accelerate.localhost",)
    ) as demo:
        yield demo


def bucket_at(demo: Demo, grant: dict[str, str], host: str, *, is_cname: bool) -> oss2.Bucket:
    """Return the bucket at a host, with the credentials of a grant."""
    proxies = {"http": demo.oss.endpoint}
    return granted_bucket(grant, f"http://{host}", is_cname=is_cname, proxies=proxies)


def resolve(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """Resolve names below `localhost` to loopback, as browsers do but not all systems."""
    ask = socket.getaddrinfo

    def loopback(host: object, *rest: object, **more: object) -> object:
        name = host.decode() if isinstance(host, bytes) else host
        own = isinstance(name, str) and name.endswith(end)
        return ask("127.0.0.1" if own else name, *rest, **more)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(socket, "getaddrinfo", loopback)


def test_a_grant_leads_to_the_bucket_by_its_domain_only(demo: Demo, site: httpx.Client) -> None:
    port = demo.oss.port
    grant = site.post("/api/grant").json()
    key = f"{grant['prefix']}a b.txt"

    bucket_at(demo, grant, f"{DOMAIN}:{port}", is_cname=True).put_object(key, b"hello")
    for host in (f"oss-cn-hangzhou.localhost:{port}", f"oss-accelerate.localhost:{port}"):
        with pytest.raises(oss2.exceptions.ServerError) as refused:
            bucket_at(demo, grant, host, is_cname=False).put_object(key, b"again")
        assert refused.value.code == "PublicEndpointForbidden"

    assert (grant["endpoint"], grant["cname"]) == (f"http://{DOMAIN}:{port}", True)
    assert grant["origins"] == [
        f"http://{DOMAIN}:{port}",
        f"http://{demo.bucket}.oss-accelerate.localhost:{port}",
    ]
    assert demo.oss.bucket(demo.bucket).objects[key].data == b"hello"


def test_receipts_lists_links_and_deletes_work_for_a_new_account(
    demo: Demo, site: httpx.Client
) -> None:
    grant = site.post("/api/grant").json()
    key = f"{grant['prefix']}2026-03-14/x/picture.txt"
    place = f"{DOMAIN}:{demo.oss.port}"
    bucket = bucket_at(demo, grant, place, is_cname=True)
    put = bucket.put_object(key, b"hello", headers={"content-type": "text/plain"})

    report = {"key": key, "size": 5, "crc64": str(put.crc)}
    assert site.post("/api/receipts", json=report).json()["stored"] is True
    assert key in [each["key"] for each in site.get("/api/objects").json()["objects"]]
    wish = {"key": key, "expires_s": 600, "disposition": "inline"}
    url = site.post("/api/share", json=wish).json()["url"]
    assert urlsplit(url).netloc == place
    shown = fetch_at(demo, url)
    assert (shown.status_code, shown.content) == (200, b"hello")
    bucket.init_multipart_upload(f"{grant['prefix']}2026-03-14/y/large.bin")
    assert len(site.get("/api/unfinished").json()["uploads"]) == 1
    assert site.delete(address(key)).status_code == 200
    assert not demo.oss.bucket(demo.bucket).objects.keys() & {key}


def test_a_server_that_asks_at_the_domain_itself_works(
    web_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Demo(web_dir=web_dir, custom_domain=DOMAIN, objects_endpoint=None) as demo:
        resolve(monkeypatch, DOMAIN)
        with httpx.Client(base_url=demo.url, trust_env=False) as site:
            grant = site.post("/api/grant").json()
            key = f"{grant['prefix']}2026-03-14/x/a.txt"
            operators_bucket(demo).put_object(key, b"hello")
            demo.oss.requests.clear()

            report = {"key": key, "size": 5, "crc64": "11177612005948864433"}
            receipt = site.post("/api/receipts", json=report)

        assert receipt.json()["stored"] is True
        assert {record.host for record in demo.oss.requests if record.key == key} == {
            f"{DOMAIN}:{demo.oss.port}"
        }


@pytest.mark.parametrize(
    "options",
    [
        {"custom_domain": "files.example.com"},
        {"custom_domain": "localhost"},
        {"custom_domain": "oss-cn-hangzhou.localhost"},
        {"upload_hosts": ("http://files.localhost",)},
    ],
)
def test_a_name_that_is_not_below_localhost_is_refused(
    web_dir: Path, options: dict[str, object]
) -> None:
    with (
        pytest.raises(
            SettingsError, match=r"^--[a-z-]+: .+ must be a name such as files\.localhost\.$"
        ),
        Demo(web_dir=web_dir, **options),  # type: ignore[arg-type]  # wrong on purpose
    ):
        pass
