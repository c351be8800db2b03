"""Generated requests to all described routes get only described responses."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.applications import Starlette

from ossferry.app import create_app
from ossferry.authentication.apikey import ApiKeyFile, new_key
from ossferry.openapi import openapi_document
from ossferry.routes import DESCRIBED
from ossferry.settings.loading import ExplicitSettings, load_settings
from support.random_examples import some_and_many
from support.server_fakes import OBJECTS, OPTIONS, FakeClock, FakeStore, FakeSts

MUCH = "1000000/minute"


def make_app(web_dir: Path, folder: Path) -> tuple[Starlette, str]:
    """Return the application, and an API key for it."""
    clock, key, path = FakeClock(), new_key(), folder / "keys.json"
    secret = str(OPTIONS["secret"]).encode()
    ApiKeyFile(path).add(key, secret=secret, user="carol", created=clock())
    rates = {"rate_per_principal": MUCH, "rate_per_address": MUCH}
    identity = {"auth": "apikey", "api_keys_file": path, "allowed_hosts": ("testserver",)}
    options = {**OPTIONS, **rates, **identity, "web_dir": web_dir}
    options |= {**OBJECTS, "callback": True, "requests": True}
    options["database_url"] = f"sqlite:///{folder}/ledger.db"

    async def sts_date() -> datetime:
        return clock()

    with patch("ossferry.access.rate_limits.FAILURES", MUCH):
        app = create_app(
            load_settings(ExplicitSettings, **options),
            assume_role=FakeSts(clock),
            clock=clock,
            sts_date=sts_date,
            store=FakeStore(),
        )
    return app, key.text


def fuzz(app: Starlette, key: str, examples: int) -> Counter[int]:
    """Send generated requests to every operation; return the number of responses by status."""
    headers = {"authorization": f"Bearer {key}"}
    schema = schemathesis.openapi.from_dict(openapi_document(DESCRIBED))
    schema.app = app
    seen: Counter[int] = Counter()
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        strategy = result.ok().as_strategy()

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=strategy)
        def check(case: schemathesis.Case[Any]) -> None:
            response = case.call(headers=headers)
            # A schema cannot limit the bytes of a whole body, or say that a time is in the future.
            is_about_time = response.status_code == 400 and "/api/requests" in case.path
            is_beyond = response.status_code == 413 or is_about_time
            excluded: Any = [positive_data_acceptance] if is_beyond else []
            case.validate_response(response, headers=headers, excluded_checks=excluded)
            seen[response.status_code] += 1

        check()
    return seen


@some_and_many(5, 2000)
def test_no_request_breaks_the_server(web_dir: Path, tmp_path: Path, examples: int) -> None:
    seen = fuzz(*make_app(web_dir, tmp_path), examples)

    assert not [status for status in seen if status >= 500]
    assert seen[200] > 0
    assert seen.total() >= examples
