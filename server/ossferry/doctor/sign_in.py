"""Probe of sign-in: whether people and programs can authenticate with the selected methods."""

from functools import partial

import httpx

from ossferry.authentication.apikey_file import ApiKeyFile
from ossferry.authentication.jwks import Jwks
from ossferry.authentication.provider import DISCOVERY, Attempt, Provider
from ossferry.clock import Clock, Monotonic
from ossferry.diagnosis.findings import Finding, Outcome, failed, passed, skipped, warned
from ossferry.errors import IssuerLostError
from ossferry.http.client import fetch_json, outbound_client
from ossferry.settings.choices import Auth
from ossferry.settings.model import Settings

FOR_PROGRAMS = {"apikey", "jwt"}
"""Methods whose proof is a bearer token, which our own page does not have."""

WORST_FIRST = (Outcome.FAIL, Outcome.WARN, Outcome.SKIPPED, Outcome.OK)


class SignIn:
    """Check of all methods of authentication that the settings select."""

    def __init__(self, settings: Settings, *, clock: Clock, monotonic: Monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic

    async def probe(self) -> Finding:
        """Return the worst outcome of all methods, with its fixes and all reasons."""
        found = [await self._method(name) for name in self._settings.auth]
        if not self._has_people():
            found.append(
                warned(
                    "Nobody can sign in on the page: OSSFERRY_AUTH has no method for people.",
                    "If people use the page, add oidc or proxy to OSSFERRY_AUTH.",
                )
            )
        worst = min((each.outcome for each in found), key=WORST_FIRST.index)
        reasons = " ".join(each.reason for each in found)
        fixes = " ".join(each.fix for each in found if each.fix and each.outcome is worst)
        return Finding(outcome=worst, reason=reasons, fix=fixes)

    def _has_people(self) -> bool:
        """Return whether people can sign in on the page, or another site's page has tokens."""
        settings = self._settings
        return bool(
            set(settings.auth) - FOR_PROGRAMS or settings.frame_origins or settings.cors_origins
        )

    async def _method(self, name: Auth) -> Finding:
        match name:
            case "demo":
                return passed("Everybody may sign in as Alice or Bob, without a proof.")
            case "apikey":
                return self._api_keys()
            case "jwt":
                return await self._jwt()
            case "oidc":
                return await self._oidc()
            case "proxy":
                return self._proxy()
            case "app":
                return skipped("The application identifies people, not this server.")

    def _api_keys(self) -> Finding:
        path = self._settings.api_keys_file
        records = ApiKeyFile(path).records().values() if path else ()
        valid = sum(record.is_live(self._clock()) for record in records)
        told = f"Valid API keys: {valid} of {len(records)}."
        return passed(told) if valid else warned(told, "Run `ossferry apikey create USER`.")

    def _proxy(self) -> Finding:
        networks = ", ".join(str(each) for each in self._settings.trusted_proxies)
        return passed(
            f"Identities are accepted from proxies in {networks}, in the header"
            f" {self._settings.proxy_user_header}."
        )

    async def _jwt(self) -> Finding:
        url = self._settings.jwt_jwks_url
        async with outbound_client(self._settings) as client:
            return await self._keys(client, url, option="OSSFERRY_JWT_JWKS_URL")

    async def _oidc(self) -> Finding:
        """Check the provider's configuration as the server does, and fetch the provider's keys."""
        settings, option = self._settings, "OSSFERRY_OIDC_ISSUER"
        url = settings.oidc_issuer.removesuffix("/") + DISCOVERY
        async with outbound_client(settings) as client:
            try:
                provider = Provider(settings, clock=self._clock, monotonic=self._monotonic)
                try:
                    await provider.address(Attempt.new(), base="")
                finally:
                    await provider.close()
                document = await fetch_json(client, url)
            except IssuerLostError as error:
                return _lost(error, url, option)
            return await self._keys(client, str(document["jwks_uri"]), option=option)

    async def _keys(self, client: httpx.AsyncClient, url: str, *, option: str) -> Finding:
        """Fetch the keys that verify tokens."""
        jwks = Jwks(partial(fetch_json, client, url), monotonic=self._monotonic)
        try:
            found = await jwks.keys()
        except IssuerLostError as error:
            return _lost(error, url, option)
        return passed(f"Keys of the issuer at {url}: {len(found.keys)}.")


def _lost(error: IssuerLostError, url: str, option: str) -> Finding:
    """Return the finding for an address of an issuer that gives no usable answer.

    Args:
        option: the option to correct.
    """
    cause = f" ({error.cause})" if error.cause else ""
    match error.reason:
        case "unresolved":
            return failed(
                f"The host name in {url} has no address{cause}.",
                f"Correct {option}, or the DNS of this machine.",
            )
        case "address-not-allowed":
            return failed(
                f"The host in {url} has an address that is not public; the server does not"
                " connect to it.",
                "If the issuer is in your own network, set OSSFERRY_ALLOW_PRIVATE_ISSUER=1;"
                f" otherwise correct {option}.",
            )
        case "no-answer" if "certificate" in error.cause:
            return failed(
                f"The server refuses the certificate at {url}{cause}.",
                "Set OSSFERRY_CA_FILE to the certificates of the issuer's certificate authority.",
            )
        case "no-answer":
            return failed(
                f"{url} does not answer{cause}.",
                f"Start the issuer, let this machine connect to it, or correct {option}.",
            )
        case "other-issuer":
            return failed(
                f"The configuration at {url} names another issuer.",
                f"Spell {option} exactly as the provider does, with or without a slash at its end.",
            )
    return failed(f"{url} gives no usable answer ({error.reason}).", f"Correct {option}.")
