"""Runs an example of docs/examples as its first lines say, with the mock, on free ports."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mock_oss import MockOSS, World
from support.programs import free_port
from support.serve_command import wait_until_answered

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs/examples"
FILES = ("development.env", "development-world.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An application in docs/examples.

    Attributes:
        target: the application, as an argument of uvicorn.
        folder: the working directory in docs/examples.
        before: arguments of `python` for a command that prepares the database.
    """

    target: str
    folder: str = "."
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The addresses of a running example and its mock."""

    url: str
    oss: str


@contextmanager
def mock_of_examples(folder: Path) -> Iterator[Running]:
    """Run the mock with exactly the files for development, except the ports.

    Yield its address, and the address for an application, which does not run yet.

    Args:
        folder: an empty folder for a copy of the examples.
    """
    copy = folder / "examples"
    shutil.copytree(EXAMPLES, copy)
    oss_port, port = free_port(), free_port()
    for name in FILES:
        text = (copy / name).read_text("utf-8")
        ours = text.replace(":9000", f":{oss_port}").replace(":8000", f":{port}")
        (copy / name).write_text(ours, "utf-8")
    with MockOSS(world=World.load(copy / "development-world.toml"), port=oss_port) as oss:
        yield Running(url=f"http://127.0.0.1:{port}", oss=oss.endpoint)


@contextmanager
def running(example: Example, folder: Path, web_dir: Path) -> Iterator[Running]:
    """Run the mock and an example.

    Args:
        folder: an empty folder for a copy of the examples.
        web_dir: the built page.
    """
    environment = _environment() | {"OSSFERRY_WEB_DIR": str(web_dir)}
    with mock_of_examples(folder) as site:
        place = folder / "examples" / example.folder
        if example.before:
            subprocess.run(  # noqa: S603 - our own example
                [sys.executable, *example.before],
                cwd=place,
                env=environment,
                check=True,
                timeout=60,
            )
        settings = os.path.relpath(folder / "examples/development.env", place)
        port = site.url.rpartition(":")[2]
        server = ("-m", "uvicorn", "--env-file", settings, "--port", port, example.target)
        with _process(place, *server, environment=environment, url=f"{site.url}/uploads/healthz"):
            yield site


@contextmanager
def _process(
    folder: Path, *arguments: str, environment: dict[str, str], url: str
) -> Iterator[None]:
    """Run Python until the context ends; wait until its server answers at a URL."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            wait_until_answered(url, process)
            yield
        finally:
            process.terminate()


def _environment() -> dict[str, str]:
    """Return the environment without proxies, and with the folder of this checkout."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return {**kept, "PYTHONPATH": str(ROOT / "server")}
