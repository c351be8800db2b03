"""docs/deploy.md: its options, files, tests and commands exist."""

import re

from support.config import ROOT
from support.functions import functions
from support.templates import PAGE, unknown_options

TEXT = PAGE.read_text("utf-8")


def test_every_option_in_the_page_is_one() -> None:
    named = re.findall(r"OSSFERRY_[A-Z_]*[A-Z]", TEXT)

    assert named
    assert unknown_options(dict.fromkeys(named, "")) == []


def test_every_file_that_the_page_names_is_there() -> None:
    made = ("deploy/compose/secrets", "deploy/compose/nginx.conf", "deploy/compose/certificates")
    named = {name.rstrip("/.*") for name in re.findall(r"deploy/[\w./@-]+", TEXT)}

    assert [name for name in named if not (name.startswith(made) or (ROOT / name).exists())] == []


def test_the_tests_that_the_page_names_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", TEXT))

    assert named <= functions()


def test_other_pages_lead_here() -> None:
    assert "](deploy.md)" in (ROOT / "docs" / "production.md").read_text("utf-8")
