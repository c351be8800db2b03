"""docs/tutorial.md and its translations: a person who follows it on the mock sees what it shows.

In each language, a bold word with a number names a terminal, the line with the address of the page
and `photo.jpg` says that files are dropped, and `Ctrl-C` stops a program.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, chdir
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import httpx
import oss2
import pytest
from PIL import Image

from ossferry.settings.loading import load_settings
from ossferry.setup.result import settings_of
from ossferry.setup.wanted import Wanted
from support import commands
from support.programs import free_port, program, running
from support.uploads import put_with

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/tutorial.md").read_text("utf-8")
PAGES = {path.parent.name: path for path in sorted((ROOT / "docs").rglob("tutorial.md"))}
PROGRAMS = Path(sys.executable).parent
RUN_UNTIL_STOPPED = ("ossferry mock-oss ", "ossferry serve")
ANYTHING = "…"
PATIENCE_S = 30
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n|^([^\n]+)\n", re.DOTALL | re.MULTILINE)


@dataclass(slots=True)
class Terminal:
    """A person's terminal, in the folder of the tutorial.

    Attributes:
        environment: the variables; `export` in a command changes them.
        running: the program that was started and has not been stopped.
        log: the file with the output of this program.
    """

    folder: Path
    environment: dict[str, str]
    running: subprocess.Popen[bytes] | None = None
    log: Path = Path()
    ending: ExitStack = field(default_factory=ExitStack)

    def type(self, line: str, port: int) -> str:
        """Run a command and return what it prints; of a server, what it has printed so far.

        Args:
            port: on which a server listens.
        """
        assert self.running is None, f"{line} would wait for the program before it"
        if line.startswith(RUN_UNTIL_STOPPED):
            return self._start(line, port)
        if line.startswith("ossferry "):
            return self._run(line)
        return self._sh(line)

    def _sh(self, line: str, given: str = "") -> str:
        """Run a line in a shell; `export` in it changes the environment."""
        variables = self.folder.with_suffix(".variables")
        done = subprocess.run(  # noqa: S603 - a line of our own documentation
            ["/bin/sh", "-e", "-c", f"{line}\nenv -0 > {variables}"],
            cwd=self.folder,
            env=self.environment,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}"
        pairs = variables.read_text().split("\0")[:-1]
        self.environment = dict(pair.split("=", 1) for pair in pairs)
        return done.stdout

    def _run(self, line: str) -> str:
        """Run our command in this process, and pass its output to the rest of the line."""
        command, *rest = re.split(r" (?=[|>] )", line)
        with patch.dict(os.environ, self.environment, clear=True):
            arguments = [os.path.expandvars(each) for each in shlex.split(command)[1:]]
        with chdir(self.folder):
            done = commands.run(*filter(None, arguments), environment=self.environment)
        assert done.code == 0, f"{line}\n{done.err}"
        return done.err + (self._sh(" ".join(["cat", *rest]), done.out) if rest else done.out)

    def _start(self, line: str, port: int) -> str:
        log = self.folder.with_name(f"server-{port}")
        log.mkdir()
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        start = ["/bin/sh", "-c", f"cd '{self.folder}' && exec {line}"]
        starting = running(["/usr/bin/env", "-i", *variables, *start], log, port)
        self.running = self.ending.enter_context(starting)
        self.log = log / "program.log"
        return self.log.read_text()

    def press_ctrl_c(self) -> None:
        """Stop the running program."""
        assert self.running is not None
        self.running.send_signal(signal.SIGINT)
        self.running.wait(timeout=30)
        self.running = None


@dataclass(slots=True)
class Person:
    """Follows the page: reads it from the top, and does at once what it says."""

    folder: Path
    terminals: dict[str, Terminal]
    port: int
    oss_port: int
    blocks: int = 0

    def follow(self, page: str) -> None:
        """Do everything that the page says, and compare the output with the page."""
        terminal = self.terminals["1"]
        for kind, block, text in BLOCK.findall(page):
            for number in re.findall(r"\*\*[^*\d]+(\d)\*\*", text):
                terminal = self.terminals[number]
            if kind == "console":
                self.blocks += 1
                self._type(terminal, block)
            elif kind == "toml":
                (self.folder / "world.toml").write_text(block)
            elif "<http://localhost:" in text and "`photo.jpg`" in text:
                Image.new("RGB", (640, 480), "teal").save(self.folder / "photo.jpg")
                self._drop("hello.txt", "text/plain")
                self._drop("photo.jpg", "image/jpeg")
            elif "Ctrl-C" in text:
                terminal.press_ctrl_c()

    def _type(self, terminal: Terminal, block: str) -> None:
        for line, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            port = self.oss_port if "mock-oss" in line else self.port
            said = terminal.type(line, port)
            ends_at = time.monotonic() + PATIENCE_S
            while terminal.running and not shows(said, shown) and time.monotonic() < ends_at:
                said = terminal.log.read_text()  # a server prints after it has begun to listen
            assert shows(said, shown), f"{line}\n{said}"

    def _drop(self, name: str, content_type: str) -> None:
        """Upload a file as the page does."""
        origin = f"http://localhost:{self.port}"
        with httpx.Client(base_url=origin, headers={"origin": origin}, trust_env=False) as site:
            assert site.get("/").status_code == 200
            grant = site.post("/api/grant").raise_for_status().json()
            endpoint = f"http://127.0.0.1:{self.oss_port}"
            content, headers = (self.folder / name).read_bytes(), {"content-type": content_type}
            upload = put_with(grant, endpoint, content, name=name, headers=headers)
            site.post("/api/receipts", json=upload.report).raise_for_status()


def shows(said: str, shown: str) -> bool:
    """Return whether an output contains lines of the page, apart from spaces.

    In the page, a line `…` stands for any lines, and `…` in a line for any text.
    """
    output, *parts = (
        "".join(f"{' '.join(line.split())}\n" for line in text.splitlines())
        for text in (said, *re.split(rf"^{ANYTHING}\n", shown, flags=re.MULTILINE))
    )
    lines = r"(?:.*\n)*?".join(re.escape(part).replace(ANYTHING, ".*") for part in parts)
    return re.search(f"^{lines}", output, re.MULTILINE) is not None


@pytest.fixture
def person(tmp_path: Path, web_dir: Path) -> Iterator[Person]:
    """A person with three terminals in an empty folder, and with free ports."""
    program("curl")
    folder = tmp_path / "tutorial"
    folder.mkdir()
    port = free_port()
    environment = {
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "OSSFERRY_PORT": str(port),
        "OSSFERRY_WEB_DIR": str(web_dir),
    }
    with ExitStack() as ending:
        terminals = {number: Terminal(folder, dict(environment), ending=ending) for number in "123"}
        yield Person(folder, terminals, port, free_port())


@pytest.mark.parametrize(
    "path",  # `test_translations.py` compares the commands of all languages
    [
        pytest.param(path, id=name, marks=() if name == "docs" else pytest.mark.slow)
        for name, path in PAGES.items()
    ],
)
def test_a_person_who_follows_the_page_sees_what_it_shows(person: Person, path: Path) -> None:
    """The translations run in `make slow`: they have the same commands, and take 20 s together."""
    text = path.read_text("utf-8")
    page = text.replace(":8000", f":{person.port}").replace(":9000", f":{person.oss_port}")
    page = page.replace("--port 9000", f"--port {person.oss_port}")
    everything, stop, _ = page.rpartition("Ctrl-C")  # the mock goes on until the end of this test
    before, after = re.split(r"^## .*7.*\n", everything, flags=re.MULTILINE)

    person.follow(before)
    modes = [(person.folder / name).stat().st_mode & 0o777 for name in ("secret", "server-key.env")]
    person.follow(after)

    assert stop
    assert modes == [0o600, 0o600]
    assert person.blocks == text.count("```console\n") > 0
    assert {path.name for path in person.folder.iterdir()} == {"world.toml", "photo.jpg"}
    names = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    auth = oss2.AuthV4(*(person.terminals["1"].environment[name] for name in names))
    service = oss2.Service(auth, f"http://127.0.0.1:{person.oss_port}", region="ap-southeast-1")
    assert service.list_buckets().buckets == []


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_each_step_of_the_original_has_a_link_to_ours(path: Path) -> None:
    *_, table = re.findall(r"(?:^\|.+\n)+", path.read_text("utf-8"), re.MULTILINE)
    steps = [row.strip("|\n").split("|") for row in table.splitlines()[2:]]

    assert len(steps) == 13
    assert [step for step, ours in steps if not step.strip() or "](" not in ours] == []


def test_its_settings_for_an_account_are_complete(
    tmp_path: Path, web_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sign_in,) = re.findall(r"^  ```ini\n(.*?)^  ```", PAGE, re.DOTALL | re.MULTILINE)
    wanted = Wanted(
        account="1000000000000000",
        bucket="web-direct-upload-4711",
        region="ap-southeast-1",
        origins=("http://localhost:8000",),
        identity="user",
    )
    made = "".join(f"{name}={value}\n" for name, value in settings_of(wanted).items())
    signed_in = "".join(f"{line.strip()}\n" for line in sign_in.splitlines())
    (tmp_path / ".env").write_text(f"{made}{signed_in}OSSFERRY_SECRET_FILE=secret\n")
    (tmp_path / "secret").write_text("6b1f0d6a7c5e4f3b9a8d7c6b5a493827")
    (tmp_path / "oidc-secret").write_text("the-secret-of-the-client")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OSSFERRY_WEB_DIR", str(web_dir))

    settings = load_settings()

    assert settings.auth == ("oidc",)
    assert f"{settings.public_url}/login/callback" in PAGE


@pytest.mark.parametrize(
    ("shown", "is_shown"),
    [
        ("one 1\ntwo\n", True),
        ("one …\n…\nfour\n", True),
        ("one 1\n…\n", True),
        ("two\none 1\n", False),
        ("one 1\nfour\n", False),
        ("fo\n", False),
        ("", True),
    ],
)
def test_only_output_that_is_there_counts_as_shown(shown: str, is_shown: bool) -> None:
    assert shows("one   1\ntwo\nthree\nfour\n", shown) == is_shown
