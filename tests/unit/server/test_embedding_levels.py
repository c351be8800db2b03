"""What a site learns from the page that it embeds: the level in the settings."""

import pytest

from support.server_fakes import MakeClient

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
    make_client: MakeClient, origin: str, level: str
) -> None:
    with make_client(frame_origins=LEVELS) as client:
        answer = client.get("/api/embedding", params={"origin": origin})

    assert answer.json() == {"level": level}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"  # `embed.js` asks from the site
