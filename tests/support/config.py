"""Values of `playwright.config.toml`; an unknown key is an error."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STORIES = ("all", "core")


class ConfigError(Exception):
    """The file has an unknown key or an invalid value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Options for starting browsers and for their pages."""

    headless: bool
    viewport: dict[str, int]
    locale: str
    args: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefacts:
    """Artefacts to keep of a failed test, and their folder."""

    dir: str
    screenshot: str
    trace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A browser engine, and the stories that `make test` runs in it: `all` or `core`."""

    name: str
    stories: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole file. `runtimes` are the Python interpreters that every story runs on."""

    test_dir: str
    runtimes: tuple[str, ...]
    timeout_ms: int
    retries_on_ci: int
    use: Use
    artefacts: Artefacts
    projects: tuple[Project, ...]


def load(path: Path = ROOT / "playwright.config.toml") -> Config:
    """Read and check the configuration file."""
    return read(tomllib.loads(path.read_text("utf-8")))


def read(document: dict[str, Any]) -> Config:
    """Convert the parsed file into values.

    Raises:
        ConfigError: a key is missing or unknown, or `stories` has an invalid value.
    """
    known = {field.name for field in fields(Project)}
    projects = [Project(**_check(each, known, "projects")) for each in document.get("projects", [])]
    for project in projects:
        if project.stories not in STORIES:
            raise ConfigError(f"playwright.config.toml [projects]: stories = {project.stories!r}")
    _check(document, {field.name for field in fields(Config)}, "")
    return Config(
        test_dir=document["test_dir"],
        runtimes=tuple(document["runtimes"]),
        timeout_ms=document["timeout_ms"],
        retries_on_ci=document["retries_on_ci"],
        use=Use(**_check(document["use"], {field.name for field in fields(Use)}, "use")),
        artefacts=Artefacts(
            **_check(
                document["artefacts"], {field.name for field in fields(Artefacts)}, "artefacts"
            )
        ),
        projects=tuple(projects),
    )


def _check(table: dict[str, Any], known: set[str], where: str) -> dict[str, Any]:
    if table.keys() != known:
        odd = sorted(table.keys() ^ known)
        raise ConfigError(f"playwright.config.toml [{where}]: missing or unknown: {', '.join(odd)}")
    return table
