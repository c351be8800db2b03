"""docs/token-server.md: its clients get credentials from the server, and renew them."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as v2
import oss2
import pytest

from mock_oss import MockOSS, User, World
from ossferry.cli.demo import WANTED, Demo
from ossferry.setup.result import settings_of
from support import commands
from support.after_upload import operators_bucket
from support.programs import program

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/token-server.md").read_text("utf-8")
HTML = (ROOT / "docs/examples/tutorial_page.html").read_text("utf-8")
SECRET = "9f86d081884c7d659a2feaa0c55ad015"
FOREIGN = "uploads/dave-0000/x"
EARLIER_S, LATER_S = 800, 950
"""The SDKs sign with the real time, and OSS allows a difference of 900 s in both directions. The
mock's clock begins behind the real time, and the jump is longer than credentials live (900 s)."""


def samples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def lines() -> list[str]:
    """Return the lines of the page for a shell."""
    return re.findall(r"^\$ (.+)", "".join(samples("console")), re.MULTILINE)


def shell(line: str) -> str:
    """Return the output of a line of the page."""
    return subprocess.run(  # noqa: S602 - a line of our own documentation
        line, shell=True, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def server(web_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    """A server with the settings and the key of the page, and the page's variables."""
    monkeypatch.chdir(tmp_path)
    (settings,) = samples("ini")
    options = dict(line.split("=", 1) for line in settings.splitlines())
    (make_key,) = re.findall(r"`ossferry (apikey create \w+)`", PAGE)
    made = {**settings_of(WANTED), **options, "OSSFERRY_SECRET": SECRET}
    key = commands.run(*make_key.split(), environment=made).out.strip()
    ours: dict[str, Any] = {
        name.removeprefix("OSSFERRY_").lower(): value for name, value in options.items()
    }
    with Demo(web_dir=web_dir, secret=SECRET, **ours) as demo:
        monkeypatch.setenv("KEY", key)
        monkeypatch.setenv("SERVER", demo.url)
        monkeypatch.setenv("ENDPOINT", f"http://127.0.0.1:{demo.oss.port}")
        monkeypatch.setenv("BUCKET", demo.bucket)
        monkeypatch.setenv("REGION", demo.settings.region)
        (tmp_path / "hello.txt").write_text("hello")
        yield demo


def stored(demo: Demo) -> dict[str, bytes]:
    """Return the contents of all objects by the last part of their keys."""
    bucket = operators_bucket(demo)
    keys = [each.key for each in oss2.ObjectIterator(bucket)]
    assert all(re.fullmatch(r"uploads/carol-[a-z0-9]+/.+", key) for key in keys)
    return {key.rpartition("/")[2]: bucket.get_object(key).read() for key in keys}


class Clients:
    """The two clients of the page, which have uploaded a file; their clock is the mock's."""

    def __init__(self, demo: Demo) -> None:
        class MockTime(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return demo.oss.clock.now().astimezone(tz)

        names: dict[str, Any] = {}
        for sample in samples("python"):
            exec(sample, names)  # noqa: S102 - our own documentation
        names["datetime"] = MockTime
        self.oss2: oss2.Bucket = names["bucket"]
        self.v2: v2.Client = names["client"]
        self.prefix: str = names["provider"].get_token()["Prefix"]
        self.place = {"bucket": demo.bucket, "key": f"{self.prefix}parts-2.txt"}

    def upload(self, key: str) -> None:
        """Upload an object with one client, and one with the other."""
        self.oss2.put_object(key, b"again")
        self.v2.put_object(
            v2.PutObjectRequest(bucket=self.place["bucket"], key=f"{key}-2", body=b"again")
        )

    def begin(self) -> tuple[str, str]:
        """Begin a multipart upload with each client, and return their ids."""
        begun = self.v2.initiate_multipart_upload(v2.InitiateMultipartUploadRequest(**self.place))
        first = self.oss2.init_multipart_upload(f"{self.prefix}parts.txt").upload_id
        return first, str(begun.upload_id)

    def finish(self, first: str, second: str) -> None:
        """Send one part to each of both uploads, and complete them."""
        key = f"{self.prefix}parts.txt"
        part = self.oss2.upload_part(key, first, 1, b"parts")
        self.oss2.complete_multipart_upload(key, first, [oss2.models.PartInfo(1, part.etag)])
        place = {**self.place, "upload_id": second}
        sent = self.v2.upload_part(v2.UploadPartRequest(**place, part_number=1, body=b"parts"))
        parts = v2.CompleteMultipartUpload(parts=[v2.UploadPart(part_number=1, etag=sent.etag)])
        self.v2.complete_multipart_upload(
            v2.CompleteMultipartUploadRequest(**place, complete_multipart_upload=parts)
        )


def test_both_sdks_renew_their_credentials_also_within_an_upload(server: Demo) -> None:
    server.oss.clock.advance(-EARLIER_S)
    clients = Clients(server)
    begun = clients.begin()
    before = len(server.oss.requests)

    server.oss.clock.advance(LATER_S)
    clients.upload(f"{clients.prefix}again")
    clients.finish(*begun)

    first, second = (
        [each for each in part if each.key.startswith(clients.prefix)]
        for part in (server.oss.requests[:before], server.oss.requests[before:])
    )
    used = [{each.access_key_id for each in part} for part in (first, second)]
    assert {each.status for each in (*first, *second)} == {200}
    assert [(len(part), len(keys)) for part, keys in zip((first, second), used, strict=True)] == [
        (4, 1),
        (6, 1),
    ]
    assert used[0] != used[1]
    assert stored(server) == {
        **dict.fromkeys(("hello.txt", "hello-2.txt"), b"hello"),
        **dict.fromkeys(("again", "again-2"), b"again"),
        **dict.fromkeys(("parts.txt", "parts-2.txt"), b"parts"),
    }


def test_no_client_stores_below_the_prefix_of_another_person(server: Demo) -> None:
    clients = Clients(server)

    with pytest.raises(oss2.exceptions.AccessDenied):
        clients.oss2.put_object(FOREIGN, b"x")
    with pytest.raises(v2.exceptions.OperationError, match="AccessDenied"):
        clients.v2.put_object(v2.PutObjectRequest(bucket=server.bucket, key=FOREIGN, body=b"x"))

    assert stored(server).keys() == {"hello.txt", "hello-2.txt"}


def test_curl_gets_the_answer_that_the_page_shows(
    server: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("curl")
    line = lines()[0]
    (shown,) = re.findall(r"^\{.+\}$", "".join(samples("console")), re.MULTILINE)

    answer = shell(line)

    pattern = re.escape(shown).replace("…", '[^"]+')
    assert re.fullmatch(pattern, answer)
    status = f"{line} --silent --output answer.json --write-out '%{{http_code}}'"
    without = re.sub(' -H "Authorization[^"]+"', "", status)
    monkeypatch.setenv("KEY", f"{'osf'}_abcdefgh_{'a' * 34}")
    assert [shell(status), shell(without)] == ["401", "401"]


def test_curl_stores_a_file_with_a_form_and_only_below_the_persons_prefix(
    server: Demo, tmp_path: Path
) -> None:
    program("curl")
    program("jq")
    ask, send = lines()[1:]
    shell(ask)
    answer = shell(send)
    file = tmp_path / "form.json"
    form = json.loads(file.read_text())
    form["fields"][0][1] = FOREIGN
    file.write_text(json.dumps(form))

    refused = shell(send)

    assert answer == ""
    assert "<Code>AccessDenied</Code>" in refused
    assert stored(server) == {"hello.txt": b"hello"}


def test_an_own_bucket_can_be_used_and_the_role_of_the_old_server_stays_as_it_is(
    tmp_path: Path,
) -> None:
    keep = " ".join(re.findall(r"`(--adopt|--role \S+)`", PAGE))
    made = "--bucket web-direct-upload --region cn-hangzhou --origin http://localhost --yes"
    key = ("LTAI5tMockRoot0000000001", "MockRootSecret00000000000000001")
    names = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    environment = dict(zip(names, key, strict=True))
    with MockOSS(world=World(users=(User(name="root", keys=dict([key])),))) as oss:
        files = f"--identity user --key-file {tmp_path / 'key'} --mock {oss.endpoint}"
        done = commands.run("setup", *f"{made} {keep} {files}".split(), environment=environment)
        roles = {each.params.get("RoleName") for each in oss.requests}

    assert done.code == 0, done.err
    assert "unchanged bucket web-direct-upload" in done.err
    assert roles & {"oss-web-upload", "ossferry-upload"} == {"ossferry-upload"}


def test_the_changed_lines_are_those_of_the_example() -> None:
    (lines,) = samples("js")

    changed = [line.strip() for line in HTML.splitlines() if "// changed" in line]

    assert changed == lines.splitlines()
    assert len(changed) == 3
