"""`playwright.config.toml` as values; a key that nothing uses is an error."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

__all__ = ["Artefacts", "Config", "ConfigError", "Use", "load", "read"]

ROOT = Path(__file__).parents[2]


class ConfigError(Exception):
    """The file says something that the tests do not understand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How Chromium is started, and what its pages look like."""

    headless: bool
    viewport: dict[str, int]
    locale: str
    args: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefacts:
    """What is kept of a failed test, and where."""

    dir: str
    screenshot: str
    trace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole file. `projects` are the interpreters that every story runs on."""

    test_dir: str
    timeout_ms: int
    retries_on_ci: int
    use: Use
    artefacts: Artefacts
    projects: tuple[str, ...]


def load(path: Path = ROOT / "playwright.config.toml") -> Config:
    """Read the file."""
    return read(tomllib.loads(path.read_text("utf-8")))


def read(document: dict[str, Any]) -> Config:
    """Turn the parsed file into values.

    Raises:
        ConfigError: a key is missing or unknown.
    """
    projects = document.get("projects", [])
    for project in projects:
        _check(project, {"name"}, "projects")
    _check(document, {field.name for field in fields(Config)}, "")
    return Config(
        test_dir=document["test_dir"],
        timeout_ms=document["timeout_ms"],
        retries_on_ci=document["retries_on_ci"],
        use=Use(**_check(document["use"], {field.name for field in fields(Use)}, "use")),
        artefacts=Artefacts(
            **_check(
                document["artefacts"], {field.name for field in fields(Artefacts)}, "artefacts"
            )
        ),
        projects=tuple(project["name"] for project in projects),
    )


def _check(table: dict[str, Any], known: set[str], where: str) -> dict[str, Any]:
    if table.keys() != known:
        odd = sorted(table.keys() ^ known)
        raise ConfigError(f"playwright.config.toml [{where}]: missing or unknown: {', '.join(odd)}")
    return table
