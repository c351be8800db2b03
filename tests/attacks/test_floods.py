"""Cost of guessing and flooding: no timing leaks, and no client delays others.

Threats T20 and T51. Times are CPU times, so other load on the machine has little influence.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest
from starlette.requests import Request

from attacks.at_sign_in import verifier, with_own_id
from ossferry.app import create_app
from ossferry.authentication.apikey import ApiKeyAuth, ApiKeyFile, new_key
from ossferry.errors import NotIdentifiedError
from ossferry.http.bearer import bearer_token
from ossferry.identity.principal import Principal
from ossferry.settings.loading import ExplicitSettings, load_settings
from support.app_client import app_client
from support.forged_tokens import OTHER_KEY, signed_with
from support.server_fakes import OPTIONS, FakeClock, FakeSts

SECRET = b"a-text-of-more-than-32-characters"
ROUNDS = 1500


def processor_us(work: Callable[[str], object], given: str) -> float:
    started = time.thread_time_ns()
    work(given)
    return (time.thread_time_ns() - started) / 1000


def test_t20_a_guess_takes_the_same_work_whatever_is_wrong_with_it(tmp_path: Path) -> None:
    file, clock = ApiKeyFile(tmp_path / "keys.json"), FakeClock()
    known = new_key()
    file.add(known, secret=SECRET, user="carol", created=clock())
    near = with_own_id(known.text)
    keys = ApiKeyAuth(file, secret=SECRET, clock=clock)
    loop = asyncio.new_event_loop()

    def guess(text: str) -> None:
        header = (b"authorization", f"Bearer {text}".encode())
        request = Request({"type": "http", "headers": [header], "client": ("192.0.2.7", 1)})
        with pytest.raises(NotIdentifiedError):
            loop.run_until_complete(keys.identify(request))

    times: dict[str, list[float]] = {"unknown id": [], "known id": []}
    for _ in range(ROUNDS):
        another = new_key().text
        times["unknown id"].append(processor_us(guess, another))
        times["known id"].append(processor_us(guess, near))
    loop.close()

    assert 0.5 < median(times["known id"]) / median(times["unknown id"]) < 2


def test_t51_a_flood_of_long_tokens_costs_others_little(tmp_path: Path) -> None:
    verified = []
    tokens = verifier()

    async def identify(request: Request) -> Principal:
        token = bearer_token(request)
        verified.append(token)
        return Principal(id=str((await tokens.claims(token))["sub"]), name="x")

    (tmp_path / "manifest.json").write_text('{"files": {}}')
    for runtime in ("micropython", "pyodide"):
        (tmp_path / f"index.{runtime}.html").write_text("<html>")
    much = {"rate_per_address": "100000/minute"}
    settings = load_settings(ExplicitSettings, **{**OPTIONS, **much, "web_dir": tmp_path})
    app = create_app(settings, identify=identify, assume_role=FakeSts(FakeClock()))
    forged = signed_with(OTHER_KEY, {"alg": "RS256", "kid": "k1"})
    with app_client(app) as client:

        def ask(token: str) -> int:
            headers = {"authorization": f"Bearer {token}"}
            return client.post("/api/grant", headers=headers).status_code

        first = [ask(forged) for _ in range(40)]
        times = {
            name: median(processor_us(ask, token) for _ in range(500))
            for name, token in (("short", "x"), ("forged", forged), ("long", "a" * 100_000))
        }

    assert first == [401] * 30 + [429] * 10
    assert len(verified) == 30
    assert times["forged"] < times["short"] * 2
    assert times["long"] < times["short"] * 4
