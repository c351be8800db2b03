"""docs/token-server.md: its clients get credentials from the server, and renew them."""

import re
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import oss2
import pytest

from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ossferry.authentication.apikey_file import ApiKeyFile
from ossferry.authentication.apikey_format import new_key
from ossferry.cli.demo import Demo
from ossferry.clock import utc_now
from support.programs import program

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/token-server.md").read_text("utf-8")
HTML = (ROOT / "docs/examples/tutorial_page.html").read_text("utf-8")
SECRET = "9f86d081884c7d659a2feaa0c55ad015"


def samples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def server(web_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    """A server that accepts the API key in the variable KEY, and the variables of the page."""
    keys, key = tmp_path / "keys.json", new_key()
    ApiKeyFile(keys).add(key, secret=SECRET.encode(), user="carol", created=utc_now())
    with Demo(web_dir=web_dir, secret=SECRET, auth="apikey", api_keys_file=keys) as demo:
        monkeypatch.setenv("KEY", key.text)
        monkeypatch.setenv("SERVER", demo.url)
        monkeypatch.setenv("ENDPOINT", f"http://127.0.0.1:{demo.oss.port}")
        monkeypatch.setenv("BUCKET", demo.bucket)
        monkeypatch.setenv("REGION", demo.settings.region)
        monkeypatch.chdir(tmp_path)
        (tmp_path / "hello.txt").write_text("hello")
        yield demo


def stored(demo: Demo) -> dict[str, bytes]:
    """Return the contents of all objects by the last part of their keys."""
    auth = oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    endpoint = f"http://127.0.0.1:{demo.oss.port}"
    bucket = oss2.Bucket(auth, endpoint, demo.bucket, region=demo.settings.region)
    keys = [each.key for each in oss2.ObjectIterator(bucket)]
    assert all(re.fullmatch(r"uploads/carol-[a-z0-9]+/[^/]+", key) for key in keys)
    return {key.rpartition("/")[2]: bucket.get_object(key).read() for key in keys}


def test_both_sdks_upload_with_credentials_that_they_renew(server: Demo) -> None:
    names: dict[str, Any] = {}
    for sample in samples("python"):
        exec(sample, names)  # noqa: S102 - our own documentation
    assert stored(server) == {"hello.txt": b"hello", "hello-2.txt": b"hello"}
    provider = names["provider"]
    first = provider.get_token()
    assert provider.get_token() is first

    provider.token["Expiration"] = (utc_now() + timedelta(seconds=59)).isoformat()

    assert provider.get_token() is not first


def test_curl_gets_the_answer_that_the_page_shows(server: Demo, tmp_path: Path) -> None:
    program("curl")
    (sample,) = samples("console")
    line, shown = sample.removeprefix("$ ").splitlines()

    answer = subprocess.run(  # noqa: S602 - a line of our own documentation
        line, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout

    pattern = re.escape(shown).replace("…", '[^"]+')
    assert re.fullmatch(pattern, answer)


def test_the_changed_lines_are_those_of_the_example() -> None:
    (lines,) = samples("js")

    changed = [line.strip() for line in HTML.splitlines() if "// changed" in line]

    assert changed == lines.splitlines()
    assert len(changed) == 3
