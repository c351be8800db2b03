"""The numbers in docs/scale.md equal those of the simulation and of the server's settings."""

import runpy
from pathlib import Path

import pytest

from ossferry.settings.model import Settings

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.slow  # simulates a million visits; only changes of docs or the simulation fail it
def test_the_page_shows_what_the_simulation_says() -> None:
    simulation = runpy.run_path(str(DOCS / "scale_simulation.py"))

    assert simulation["table"]() in (DOCS / "scale.md").read_text()


def test_the_simulation_goes_by_the_servers_default() -> None:
    simulation = runpy.run_path(str(DOCS / "scale_simulation.py"))

    assert simulation["CALLS_PER_S"] == Settings.model_fields["sts_calls_per_s"].default
