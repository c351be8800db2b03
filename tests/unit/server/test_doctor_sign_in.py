"""What `ossferry doctor` tells about each method of authentication, and about the start."""

from pathlib import Path

import httpx
import pytest

from ossferry.app import create_app
from ossferry.authentication.apikey import ApiKeyFile, new_key
from ossferry.clock import utc_now
from ossferry.diagnosis.findings import Finding, failed, passed, skipped, warned
from ossferry.doctor.server import Server
from ossferry.doctor.sign_in import probe_sign_in
from ossferry.doctor.start import probe_start
from ossferry.settings.model import Settings
from support.server_fakes import MakeSettings


async def sign_in(settings: Settings) -> object:
    async with httpx.AsyncClient() as client:
        return await probe_sign_in(Server(settings, client, utc_now, create_app))


def add_key(path: Path, **more: object) -> str:
    key = new_key()
    ApiKeyFile(path).add(key, secret=b"x", user="carol", created=utc_now(), **more)
    return key.id


async def test_keys_that_are_revoked_or_expired_are_not_valid(
    make_settings: MakeSettings, keys_file: Path
) -> None:
    embedding = ("https://app.example.com",)  # its pages send tokens
    settings = make_settings(auth="apikey", api_keys_file=keys_file, frame_origins=embedding)
    add_key(keys_file, expires="2020-01-01T00:00:00+00:00")
    ApiKeyFile(keys_file).revoke(add_key(keys_file), utc_now())
    without = await sign_in(settings)
    add_key(keys_file)

    assert without == warned("Valid API keys: 0 of 2.", "Run `ossferry apikey create USER`.")
    assert await sign_in(settings) == passed("Valid API keys: 1 of 3.")


async def test_a_page_on_which_nobody_can_sign_in_is_told(
    make_settings: MakeSettings, keys_file: Path
) -> None:
    settings = make_settings(auth="apikey", api_keys_file=keys_file)

    assert await sign_in(settings) == warned(
        "Valid API keys: 0 of 0. Nobody can sign in on the page: OSSFERRY_AUTH has no method for"
        " people.",
        "Run `ossferry apikey create USER`. If people use the page, add oidc or proxy to"
        " OSSFERRY_AUTH.",
    )


async def test_a_proxy_is_told_by_its_networks_and_its_header(make_settings: MakeSettings) -> None:
    settings = make_settings(
        auth="proxy",
        proxy_secret="another-text-of-more-than-32-characters",
        trusted_proxies=("10.1.0.0/16", "127.0.0.1/32"),
    )

    assert await sign_in(settings) == passed(
        "Identities are accepted from proxies in 10.1.0.0/16, 127.0.0.1/32, in the header"
        " x-forwarded-user."
    )


async def test_an_application_identifies_people_itself(make_settings: MakeSettings) -> None:
    settings = make_settings(auth="app")

    assert await sign_in(settings) == skipped("The application identifies people, not this server.")


async def test_of_several_methods_the_worst_result_counts(
    make_settings: MakeSettings, keys_file: Path
) -> None:
    settings = make_settings(
        auth=("proxy", "apikey"),
        api_keys_file=keys_file,
        proxy_secret="another-text-of-more-than-32-characters",
        trusted_proxies=("10.1.0.0/16",),
    )

    assert await sign_in(settings) == warned(
        "Identities are accepted from proxies in 10.1.0.0/16, in the header x-forwarded-user."
        " Valid API keys: 0 of 0.",
        "Run `ossferry apikey create USER`.",
    )


async def test_an_issuer_in_the_own_network_needs_a_setting(settings: Settings) -> None:
    in_network = {
        "auth": ("jwt",),
        "jwt_jwks_url": "https://10.0.0.1/keys",
        "cors_origins": ("https://app.example.com",),
    }

    assert await sign_in(settings.model_copy(update=in_network)) == failed(
        "The host in https://10.0.0.1/keys has an address that is not public; the server does not"
        " connect to it.",
        "If the issuer is in your own network, set OSSFERRY_ALLOW_PRIVATE_ISSUER=1; otherwise"
        " correct OSSFERRY_JWT_JWKS_URL.",
    )


async def test_the_demo_needs_no_proof(settings: Settings) -> None:
    assert await sign_in(settings) == passed(
        "Everybody may sign in as Alice or Bob, without a proof."
    )


# The start-up code of the server, which the doctor runs without serving or writing anything


async def start(settings: Settings) -> Finding:
    async with httpx.AsyncClient() as client:
        return await probe_start(Server(settings, client, utc_now, create_app))


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


async def test_a_server_that_starts_writes_nothing(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    settings = make_settings(audit_file=tmp_path / "audit.log")
    before = names(tmp_path)

    found = await start(settings)

    assert found == passed("The server starts with these settings.")
    assert names(tmp_path) == before


async def test_a_key_of_the_mock_stops_a_server_for_the_cloud(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tMockServer")

    for_the_cloud = settings.model_copy(update={"allow_mock": False})
    found = await start(for_the_cloud)

    assert found == failed(
        "The server refuses to start: ALIBABA_CLOUD_ACCESS_KEY_ID is a key of the mock; only"
        " OSSFERRY_ALLOW_MOCK=1 accepts one.",
        "Correct ALIBABA_CLOUD_ACCESS_KEY_ID.",
    )


async def test_an_application_that_identifies_people_itself_starts(
    make_settings: MakeSettings,
) -> None:
    found = await start(make_settings(auth="app"))

    assert found.outcome == "ok"
