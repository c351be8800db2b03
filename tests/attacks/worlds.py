"""Servers under attack, one per authentication method; each is created once and shared."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from unittest.mock import patch

import httpx
from starlette.applications import Starlette
from starlette.responses import Response

from ossferry.access import rate_limits
from ossferry.app import create_app
from ossferry.authentication.apikey import ApiKeyFile, new_key
from ossferry.authentication.sessions import SESSION_COOKIE, Sessions, SignOuts
from ossferry.identity.principal import Principal
from ossferry.settings.loading import ExplicitSettings, load_settings
from ossferry.state.key_value import MemoryStorage
from support.app_client import app_client
from support.callbacks import Caller, KeyServer, pem_of, signing_key
from support.fake_issuer import CLIENT_ID, CLIENT_SECRET
from support.server_fakes import OBJECTS, OPTIONS, FakeClock, FakeStore, FakeSts

BASE = "https://uploads.example.com"
PROXY_SECRET = "what-only-the-proxy-and-we-know-about"
MUCH = "1000000/minute"
SECRETS = ("STS.Fake", "fake-access-key-secret", "fake-security-token")

Headers: TypeAlias = Sequence[tuple[str, str]]

COMMON: dict[str, object] = {
    "public_url": BASE,
    "allowed_hosts": ("uploads.example.com",),
    "rate_per_principal": MUCH,
    "rate_per_address": MUCH,
    "metrics_token": "metrics-token-of-more-than-32-characters",
}
KINDS: dict[str, dict[str, object]] = {
    "demo": {"auth": "demo"},
    "apikey": {"auth": "apikey"},
    "cors": {"auth": "apikey", "cors_origins": ("https://app.example.com",)},
    "proxy": {"auth": "proxy", "proxy_secret": PROXY_SECRET, "trusted_proxies": ["192.0.2.0/24"]},
    "distant proxy": {
        "auth": "proxy",
        "proxy_secret": PROXY_SECRET,
        "trusted_proxies": ["198.51.100.0/24"],
    },
    "tls": {"auth": "demo", "behind_tls": True, "trusted_proxies": ["192.0.2.0/24"]},
    "slow down": {"auth": "apikey", "rate_per_principal": "5/minute"},
    "oidc": {
        "auth": "oidc",
        "oidc_issuer": "http://127.0.0.1:9",
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
    },
}
KINDS["people and programs"] = {**KINDS["oidc"], "auth": ["oidc", "apikey"]}
KINDS["proxy and programs"] = {**KINDS["proxy"], "auth": ["proxy", "apikey"]}
KINDS["uploads"] = {
    **OBJECTS,
    "auth": "apikey",
    "callback": True,
    "quota_bytes_total": 1000,
    "quota_objects_total": 50,
    "quota_bytes_day": 5000,
}
KINDS["signed in"] = KINDS["oidc"]  # a server whose session is never signed out


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One server.

    Attributes:
        key: a valid API key.
        cookie: a valid session cookie.
        store: the fake bucket.
        oss: sends valid callbacks.
    """

    app: Starlette
    store: FakeStore
    oss: Caller
    client: httpx.Client
    sts: FakeSts
    clock: FakeClock
    key: str
    cookie: str

    @property
    def bearer(self) -> tuple[str, str]:
        """The header with the valid API key."""
        return ("authorization", f"Bearer {self.key}")

    def ask(
        self,
        method: str = "POST",
        path: str = "/api/grant",
        headers: Headers = (),
        body: bytes = b"",
        base: str = BASE,
    ) -> httpx.Response:
        """Send a request with the path exactly as given."""
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        target, _, query = path.partition("?")
        return self.client.request(
            method,
            f"{base}/?{query}" if query else base,
            headers=fields,
            content=body,
            extensions={"target": target.encode()},
        )

    def gets_nothing(self, *request: object, **more: object) -> bool:
        """Return whether a request is refused, without credentials in the response."""
        answer = self.ask(*request, **more)  # type: ignore[arg-type] # as `ask` has them
        return answer.status_code >= 400 and not any(secret in answer.text for secret in SECRETS)

    def gets_credentials(self, *request: object, **more: object) -> bool:
        """Return whether the response contains credentials."""
        answer = self.ask(*request, **more)  # type: ignore[arg-type] # as `ask` has them
        return answer.status_code == 200 and SECRETS[1] in answer.text


class Worlds:
    """All servers; each is created on first use.

    Attributes:
        folder: folder for the servers' pages and files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: dict[str, World] = {}
        (folder / "manifest.json").write_text(json.dumps({"files": {}}))
        for runtime in ("micropython", "pyodide"):
            (folder / f"index.{runtime}.html").write_text("<html>")

    def __getitem__(self, kind: str) -> World:
        if kind not in self._made:
            self._made[kind] = self._make(kind)
        return self._made[kind]

    def close(self) -> None:
        """Stop all servers."""
        for world in self._made.values():
            world.client.close()

    def _make(self, kind: str) -> World:
        path = self.folder / f"{kind}.json"
        own = {"web_dir": self.folder, "api_keys_file": path, **KINDS[kind]}
        own["database_url"] = f"sqlite:///{self.folder}/{kind}.db"
        settings = load_settings(ExplicitSettings, **{**OPTIONS, **COMMON, **own})
        clock, key = FakeClock(), new_key()
        ApiKeyFile(path).add(key, secret=settings.secret_bytes, user="carol", created=clock())
        sts, response = FakeSts(clock), Response()
        carol = Principal(id="carol", name="Carol")
        sign_outs = SignOuts(MemoryStorage(), None, clock=clock)
        asyncio.run(Sessions(settings, sign_outs, clock=clock).begin(carol, response))
        cookie = response.headers["set-cookie"].partition(";")[0].partition("=")[2]
        store, signs = FakeStore(), signing_key()
        failures = "5/minute" if kind == "slow down" else MUCH
        with patch.multiple(rate_limits, FAILURES=failures, GLOBAL="1000000/second"):
            app = create_app(
                settings,
                assume_role=sts,
                clock=clock,
                store=store if settings.objects_role_arn else None,
                sign_outs=sign_outs,
                outbound=httpx.AsyncClient(transport=KeyServer(pem_of(signs))),
            )
        client = app_client(app, BASE)
        return World(
            app=app,
            store=store,
            oss=Caller(client, signs),
            client=client,
            sts=sts,
            clock=clock,
            key=key.text,
            cookie=cookie,
        )


def session(world: World) -> tuple[str, str]:
    """Return a valid session's cookie header."""
    return ("cookie", f"{SESSION_COOKIE}={world.cookie}")
