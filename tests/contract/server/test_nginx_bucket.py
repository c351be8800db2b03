"""The shipped nginx configuration for the bucket, with a real nginx in front of the mock."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import oss2
import pytest
from oss2.credentials import StaticCredentialsProvider

from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, BucketSpec, MockOSS
from support.certificates import make_certificate
from support.nginx import main_configuration
from support.programs import free_port, program, running

SAMPLE = Path(__file__).parents[3] / "deploy/nginx/bucket.conf"
NAME = "files.example.com"
BUCKET = "web-direct-upload"
HOST = f"{BUCKET}.oss-cn-hangzhou-internal.aliyuncs.com"
SIZE = 3 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """nginx, and the mock behind it."""

    oss: MockOSS
    port: int
    folder: Path

    def url(self, method: str, key: str) -> str:
        """Return a signed URL of an object at the host of nginx."""
        auth = oss2.ProviderAuthV4(StaticCredentialsProvider(ACCESS_KEY_ID, ACCESS_KEY_SECRET))
        endpoint = f"https://{NAME}:{self.port}"
        bucket = oss2.Bucket(auth, endpoint, BUCKET, is_cname=True, region="cn-hangzhou")
        url: str = bucket.sign_url(method, key, 600, slash_safe=True)
        return url

    def curl(self, *arguments: str) -> str:
        """Return what curl prints: the version of HTTP and the status, after the body."""
        resolve = f"{NAME}:{self.port}:127.0.0.1"
        ca = str(self.folder / "fullchain.pem")
        command = [program("curl"), "--silent", "--show-error", "--noproxy", "*"]
        command += ["--http2", "--resolve", resolve, "--cacert", ca]
        command += ["--write-out", "\\n%{http_version} %{http_code}", *arguments]
        done = subprocess.run(  # noqa: S603 - a program of the machine
            command, check=True, capture_output=True, text=True
        )
        return done.stdout


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    nginx, folder, port = program("nginx"), tmp_path_factory.mktemp("nginx"), free_port()
    folder.chmod(0o755)
    make_certificate(folder, NAME)
    bucket = BucketSpec(name=BUCKET, region="cn-hangzhou")
    with MockOSS(buckets=(bucket,)) as oss:
        text = SAMPLE.read_text()
        for old, new in (
            ("listen 443 ", f"listen 127.0.0.1:{port} "),
            ("/etc/ssl/ossferry", str(folder)),
            (f"server {HOST}:443;", f"server 127.0.0.1:{oss.port};"),
            ("proxy_pass https://", "proxy_pass http://"),
        ):
            assert old in text, f"the sample has no {old}"
            text = text.replace(old, new)
        (folder / "bucket.conf").write_text(text)
        (folder / "nginx.conf").write_text(main_configuration(folder, "bucket.conf"))
        command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        with running(command, folder, port):
            yield Proxy(oss=oss, port=port, folder=folder)


def test_a_file_is_stored_and_read_over_http_2(proxy: Proxy) -> None:
    file = proxy.folder / "file.bin"
    file.write_bytes(bytes(range(256)) * (SIZE // 256))

    put = proxy.curl("--upload-file", str(file), proxy.url("PUT", "a/file.bin"))
    got = proxy.curl("--output", str(proxy.folder / "back.bin"), proxy.url("GET", "a/file.bin"))

    assert (put, got) == ("\n2 200", "\n2 200")
    assert (proxy.folder / "back.bin").read_bytes() == file.read_bytes()
    assert proxy.oss.bucket(BUCKET).objects["a/file.bin"].size == SIZE


def test_a_refusal_of_oss_arrives_as_it_is(proxy: Proxy) -> None:
    refused = proxy.curl(f"https://{NAME}:{proxy.port}/a/missing.bin")

    assert "<Code>AccessDenied</Code>" in refused
    assert refused.endswith("\n2 403")
