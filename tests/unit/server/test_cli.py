"""The command line prints one sentence and exits with code 1 if an option is invalid."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from importlib.metadata import version
from pathlib import Path

import pytest
from starlette.applications import Starlette
from typer.testing import CliRunner

from ossferry.cli.config_docs import GROUPS, configuration_page
from ossferry.cli.main import commands
from ossferry.cli.output import counted
from ossferry.cli.processes.serving import BackgroundServer, bind
from ossferry.errors import SettingsError
from ossferry.extras import install_command
from ossferry.settings.model import Settings
from support.commands import run
from support.commands_page import commands_page

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Use an empty folder, so that no `.env` file of the developer is read."""
    monkeypatch.chdir(tmp_path)


def test_serve_names_the_option_that_is_missing() -> None:
    done = run("serve", environment={})

    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.err.startswith("ossferry: OSSFERRY_BUCKET is missing: this folder has no .env; ")


@pytest.mark.parametrize(
    "arguments", ["ls", "share uploads/a/b", "verify", "admin principals", "doctor"]
)
def test_json_has_the_error_of_the_settings(arguments: str) -> None:
    done = run(*arguments.split(), "--json", environment={})

    found = json.loads(done.out)
    more = {"healthy": False, "checks": []} if arguments == "doctor" else {}
    assert (done.code, found) == (1, {**more, "error": found["error"]})
    assert done.err == f"ossferry: {found['error']}\n"


def test_every_command_that_ends_by_itself_has_json() -> None:
    page = commands_page()
    sections = re.split(r"^###+ `ossferry ", page, flags=re.MULTILINE)[1:]

    without = {
        name.partition("`")[0]
        for name in sections
        if "--json" not in name and "COMMAND [ARGS]" not in name
    }

    assert without == {"demo", "serve", "scan", "mock-oss"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("verify --since yesterday", "Give a day such as 2026-11-28."),
        ("admin uploads --since 2026-02-30", "Give a day such as 2026-11-28."),
        ("share uploads/a/b --days 8", "At most 7."),
        ("share uploads/a/b --hours 169", "At most 168."),
        ("share uploads/a/b --days=-1", "Give a whole number from 0 to 7."),
        ("share uploads/a/b --days soon", "Give a whole number from 0 to 7."),
    ],
)
def test_a_wrong_value_is_told_with_a_right_one(arguments: str, sentence: str) -> None:
    done = CliRunner().invoke(commands, arguments.split())

    assert (done.exit_code, done.stdout) == (2, "")
    assert sentence in done.stderr


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 uploads"), (1, "1 upload"), (2, "2 uploads")], ids=str
)
def test_a_number_has_its_noun_in_the_right_form(count: int, text: str) -> None:
    assert counted(count, "upload") == text


def test_the_version_is_printed() -> None:
    done = run("--version", environment={})

    assert (done.code, done.out, done.err) == (0, f"ossferry {version('ossferry')}\n", "")


def test_the_page_about_options_is_current() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == configuration_page()


def test_the_page_has_each_option_once_and_those_without_a_default_in_the_first_table() -> None:
    _, first, *others = re.split(r"^## ", configuration_page(), flags=re.MULTILINE)
    rows = re.findall(r"^\| `OSSFERRY_(\w+)`", first + "".join(others), re.MULTILINE)

    assert sorted(rows) == sorted(name.upper() for name in Settings.model_fields)
    assert [text.partition("\n")[0] for text in others if "| required |" in text] == []
    assert [text.partition("\n")[0] for text in others[:-1]] == list(GROUPS.values())


def test_config_docs_prints_that_page() -> None:
    done = run("config-docs", environment={})

    assert (done.code, done.out) == (0, configuration_page())


def test_the_help_has_no_backticks_and_no_commands_for_developers() -> None:
    output = CliRunner().invoke(commands, ["--help"]).output
    shown = " ".join(output.replace("│", " ").split())

    assert "`" not in shown
    assert (
        "Run the server with the settings in .env and in environment variables OSSFERRY_…." in shown
    )
    assert "config-docs" not in shown


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


def in_a_new_process(*code: str, **environment: str) -> tuple[str, set[str]]:
    """Run Python code; return its output, and the names of all modules that it has loaded."""
    tell = "atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", "\n".join(("import atexit, sys", tell, *code))],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout, set(done.stderr.split())


def command_line(*arguments: str, **environment: str) -> tuple[str, set[str]]:
    """Run the command line in a new process; return its output and the modules, as above."""
    return in_a_new_process(
        f"sys.argv = {['ossferry', *arguments]}",
        "import ossferry.cli.main; ossferry.cli.main.main()",
        **environment,
    )


def test_the_mock_starts_without_loading_the_server() -> None:
    """Therefore the mock starts in less than a second; the benchmark measures it."""
    out, loaded = command_line("mock-oss", "--help")

    assert "--data-dir" in out
    assert "mock_oss.server" in loaded
    assert loaded.isdisjoint(
        {"oss2", "ossferry.app", "ossferry.settings.model", "limits", "joserfc"}
    )


def test_the_application_is_imported_without_the_sdk() -> None:
    """A server without a role for objects does not need it, and it is slow to import."""
    _, loaded = in_a_new_process("import ossferry.app")

    assert "ossferry.app" in loaded
    assert "oss2" not in loaded


@pytest.mark.parametrize(
    "arguments",
    [["demo"], ["demo", "--i-know-this-is-a-mock"], ["mock-oss", "--port", "0"]],
    ids=" ".join,
)
def test_a_command_without_the_mock_says_what_to_install(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mock_oss", None)

    done = run(*arguments, environment={})

    assert (done.code, done.out) == (1, "")
    assert done.err == f"ossferry: `ossferry {arguments[0]}` needs `{install_command('demo')}`.\n"


@pytest.mark.parametrize("command", ["demo", "mock-oss"])
def test_a_mock_of_another_version_is_refused(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = tmp_path / "mock_oss-0.0.9.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.4\nName: mock-oss\nVersion: 0.0.9\n")
    monkeypatch.syspath_prepend(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as busy:  # a mock that starts would end at once
        done = run(command, "--port", str(busy.getsockname()[1]), environment={})

    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"ossferry: `ossferry {command}` needs the mock in version {version('ossferry')},"
        f" but version 0.0.9 is installed; run `{install_command('demo')}`.\n"
    )


def test_the_module_is_a_program_too() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "ossferry.cli.main", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "mock-oss" in run.stdout


SERVER_MODULES = {"oss2", "ossferry.app", "ossferry.settings.model", "sqlalchemy", "starlette"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ossferry a", {"admin", "apikey"}),
        ("ossferry admin re", {"reconcile", "requests", "restore", "revoke"}),
        ("ossferry verify --s", {"--since"}),
    ],
)
def test_shells_complete_commands_and_options_without_loading_the_server(
    words: str, expected: set[str]
) -> None:
    out, loaded = command_line(
        _OSSFERRY_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(words.count(" "))
    )

    assert set(out.split()) == expected
    assert "ossferry.cli.main" in loaded
    assert loaded.isdisjoint(SERVER_MODULES)


def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("no folder")

    run = subprocess.run(  # noqa: S603 - ours
        [
            "/bin/bash",
            "-c",
            f"'{sys.executable}' -m ossferry.cli.main --install-completion; exit $?",
        ],
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
    )

    assert run.returncode == 1
    assert re.fullmatch(
        rf"ossferry: {home}\S* cannot be read or written \([A-Z][a-z ]+\); correct the path, or the"
        r" rights of this file and its folder\.\n",
        run.stderr,
    )


def test_a_full_disk_is_one_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(  # noqa: S603 - ours
            [
                *(sys.executable, "-m", "ossferry.cli.main"),
                *("policy", "cors", "--origin", "https://a.example"),
            ],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )

    assert (run.returncode, run.stderr) == (
        1,
        "ossferry: the output cannot be written (No space left on device); free space on the"
        " disk.\n",
    )


WAITS = """
import signal
from ossferry.cli.processes.serving import stop_signals

signal.signal(signal.SIGTERM, signal.SIG_IGN)  # between the rounds
for _ in range(200):
    with stop_signals() as stop:
        print(flush=True)
        stop.wait()
signal.pause()
"""


def test_signals_in_quick_succession_stop_a_command() -> None:
    """Ctrl-C reaches a command twice if uv, which got it too, passes it on."""
    arguments = [sys.executable, "-c", WAITS]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:  # noqa: S603 - ours
        assert process.stdout
        watchdog = threading.Timer(20, process.kill)
        watchdog.start()
        rounds = 0
        while rounds < 200 and process.stdout.readline():
            rounds += 1
            for _ in range(3):
                process.send_signal(signal.SIGTERM)
        process.kill()
        watchdog.cancel()

    assert rounds == 200
