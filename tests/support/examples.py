"""Runs an example of docs/examples as its first lines say, with the mock, on free ports."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from support.programs import free_port

__all__ = ["EXAMPLES", "Example", "Running", "running"]

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
    before: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The addresses of a running example and its mock."""

    url: str
    oss: str


@contextmanager
def running(example: Example, folder: Path, web_dir: Path) -> Iterator[Running]:
    """Run the mock and an example with exactly the files for development, except the ports.

    Args:
        folder: an empty folder for a copy of the examples.
        web_dir: the built page.
    """
    environment = _environment() | {"OSSFERRY_WEB_DIR": str(web_dir)}
    copy = folder / "examples"
    shutil.copytree(EXAMPLES, copy)
    oss_port, port = free_port(), free_port()
    for name in FILES:
        text = (copy / name).read_text("utf-8")
        ours = text.replace(":9000", f":{oss_port}").replace(":8000", f":{port}")
        (copy / name).write_text(ours, "utf-8")
    place = copy / example.folder
    with ExitStack() as stack:
        mock = ("-m", "mock_oss.cli", "--world", "development-world.toml", "--port", str(oss_port))
        stack.enter_context(
            _process(
                copy, *mock, environment=_environment(), answers=f"http://127.0.0.1:{oss_port}/"
            )
        )
        for command in example.before:
            subprocess.run(  # noqa: S603 - our own example
                [sys.executable, *command], cwd=place, env=environment, check=True, timeout=60
            )
        settings = os.path.relpath(copy / "development.env", place)
        server = ("-m", "uvicorn", "--env-file", settings, "--port", str(port), example.target)
        url = f"http://127.0.0.1:{port}"
        stack.enter_context(
            _process(place, *server, environment=environment, answers=f"{url}/uploads/healthz")
        )
        yield Running(url=url, oss=f"http://127.0.0.1:{oss_port}")


@contextmanager
def _process(
    folder: Path, *arguments: str, environment: dict[str, str], answers: str
) -> Iterator[None]:
    """Run Python until the context ends; wait until its server answers at an address."""
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
            _wait(process, answers)
            yield
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[str], url: str) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(retries=9), trust_env=False) as client:
        while process.poll() is None:
            try:
                client.get(url)
            except httpx.TransportError:
                continue
            return
    raise AssertionError(process.communicate())


def _environment() -> dict[str, str]:
    """Return the environment without proxies, and with the folder of this checkout."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return {**kept, "PYTHONPATH": str(ROOT / "server")}
