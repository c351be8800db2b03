"""The command line prints one sentence and exits with code 1 if an option is invalid."""

import json
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from starlette.applications import Starlette

from ossferry.cli.config_docs import configuration_page
from ossferry.cli.main import main
from ossferry.cli.serving import BackgroundServer, bind
from ossferry.errors import SettingsError

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Use an empty folder, so that no `.env` file of the developer is read."""
    monkeypatch.chdir(tmp_path)


def test_serve_names_the_option_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["ossferry", "serve"])

    with pytest.raises(SystemExit) as caught:
        main()

    assert caught.value.code == 1
    assert capsys.readouterr() == ("", "ossferry: OSSFERRY_BUCKET is missing.\n")


def test_the_version_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["ossferry", "--version"])

    with pytest.raises(SystemExit) as caught:
        main()

    assert caught.value.code == 0
    assert capsys.readouterr() == (f"ossferry {version('ossferry')}\n", "")


def test_the_page_about_options_is_current() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == configuration_page()


def test_config_docs_prints_that_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["ossferry", "config-docs"])

    with pytest.raises(SystemExit) as caught:
        main()

    assert caught.value.code == 0
    assert capsys.readouterr().out == configuration_page()


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(SettingsError) as caught:
            bind("127.0.0.1", port, option="--port")

    assert str(caught.value) == (
        f"--port: cannot listen on 127.0.0.1:{port} (Address already in use); choose another."
    )


def test_a_port_that_another_server_takes_meanwhile_is_one_sentence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = bind("127.0.0.1", 0, option="--port")
    late = BackgroundServer(Starlette(), bind("127.0.0.1", first.getsockname()[1], option="--port"))
    server = BackgroundServer(Starlette(), first)
    server.start()
    try:
        with pytest.raises(SettingsError, match="The server did not start; its log says why"):
            late.start()
    finally:
        server.stop()
        late.stop()

    (line,) = (each for each in caplog.messages if "cannot-listen" in each)
    assert json.loads(line)["reason"] == "another program has taken the address"


def test_the_mock_starts_without_loading_the_server() -> None:
    """Therefore the mock starts in less than a second; the benchmark measures it."""
    code = (
        "import sys; sys.argv = ['ossferry', 'mock-oss', '--help']; import ossferry.cli.main\n"
        "try: ossferry.cli.main.main()\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )

    run = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert "--data-dir" in run.stdout
    loaded = set(run.stderr.split())
    assert "mock_oss.server" in loaded
    assert (
        loaded & {"oss2", "ossferry.app", "ossferry.settings.model", "limits", "authlib"} == set()
    )


def test_the_module_is_a_program_too() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "ossferry.cli.main", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "mock-oss" in run.stdout
