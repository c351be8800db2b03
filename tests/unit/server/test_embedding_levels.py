"""What a site learns from the page that it embeds: the level in the settings."""

from collections.abc import Callable

import pytest

from ossferry.app import create_app
from ossferry.settings.model import Settings
from support.app_client import app_client
from support.server_fakes import FakeSts

LEVELS = {"https://school.example": "results", "https://blog.example": "counts"}


@pytest.mark.parametrize(
    ("origin", "level"),
    [
        ("https://school.example", "results"),
        ("https://blog.example", "counts"),
        ("https://other.example", "none"),
        ("http://school.example", "none"),
        ("", "none"),
    ],
)
def test_t34_a_site_has_the_level_of_the_settings(
    make_settings: Callable[..., Settings], sts: FakeSts, origin: str, level: str
) -> None:
    with app_client(create_app(make_settings(frame_origins=LEVELS), assume_role=sts)) as client:
        answer = client.get("/api/embedding", params={"origin": origin})

    assert answer.json() == {"level": level}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"  # `embed.js` asks from the site
