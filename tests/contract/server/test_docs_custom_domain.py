"""docs/custom-domain.md: its settings load, and its commands print the shown output."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

from mock_oss.errors import ERRORS
from ossferry.oss.sdk import ADDRESS_REFUSALS
from ossferry.settings.loading import ExplicitSettings, load_settings
from support.programs import free_port
from support.server_fakes import OPTIONS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/custom-domain.md").read_text("utf-8")
COMMAND = Path(sys.executable).with_name("ossferry")


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", PAGE, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(text) for _, text in found]


def test_the_settings_of_the_page_are_taken(web_dir: Path) -> None:
    (text,) = blocks("ini")
    said = dict(line.removeprefix("OSSFERRY_").split("=", 1) for line in text.splitlines())
    cloud = {**OPTIONS, "auth": "apikey", "api_keys_file": "keys.json", "allow_mock": False}
    given = {name.lower(): value for name, value in said.items()}

    settings = load_settings(
        ExplicitSettings, **{**cloud, "sts_endpoint": None, "web_dir": web_dir, **given}
    )

    assert settings.upload_origins == ("https://files.example.com",)
    assert not settings.objects_by_cname


def test_the_demo_runs_like_a_new_account_as_the_page_shows(tmp_path: Path) -> None:
    port, oss_port = free_port(), free_port()
    (start,) = blocks("console")
    start = start.replace(":8000", f":{port}").replace(":9000", f":{oss_port}")
    command, *said = start.splitlines()
    arguments = command.removeprefix("$ .venv/bin/ossferry ").split()
    process = subprocess.Popen(  # noqa: S603 - our own command
        [COMMAND, *arguments, "--port", str(port), "--oss-port", str(oss_port)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert [process.stdout.readline().strip() for _ in said] == said
        finally:
            process.kill()


def test_every_error_of_the_page_is_one_of_the_mocks_with_the_same_status() -> None:
    rows = re.findall(r"^\| (\d{3}) `(\w+)`(?:, EC ([\d-]+))?", PAGE, re.MULTILINE)

    assert len(rows) == 12
    for status, code, ec in rows:
        assert ERRORS[code].status == int(status), code
        assert ec in ("", ERRORS[code].ec), code
    assert ADDRESS_REFUSALS.keys() <= {code for _, code, _ in rows}
    assert all(f"`{kind.code}`" in PAGE for kind in ADDRESS_REFUSALS.values())
