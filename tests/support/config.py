"""Values of `playwright.config.toml`; an unknown key is an error."""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

ROOT = Path(__file__).parents[2]


class Table(BaseModel):
    """Base class: each key is needed, and no other is allowed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Use(Table):
    """Options for starting browsers and for their pages."""

    headless: bool
    viewport: dict[str, int]
    locale: str
    args: list[str]


class Artefacts(Table):
    """Artefacts to keep of a failed test, and their folder."""

    dir: str
    screenshot: str
    trace: str


class Project(Table):
    """A browser engine, and the stories that `make test` runs in it."""

    name: str
    stories: Literal["all", "core"]


class Config(Table):
    """The whole file. `runtimes` are the Python interpreters that every story runs on."""

    test_dir: str
    runtimes: tuple[str, ...]
    timeout_ms: int
    retries_on_ci: int
    use: Use
    artefacts: Artefacts
    projects: tuple[Project, ...]


def load() -> Config:
    """Read and check the configuration file.

    Raises:
        pydantic.ValidationError: a key is missing or unknown, or has an invalid value.
    """
    text = (ROOT / "playwright.config.toml").read_text("utf-8")
    return Config.model_validate(tomllib.loads(text))
