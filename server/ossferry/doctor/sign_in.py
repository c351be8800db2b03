"""Probe of sign-in: whether people and programs can authenticate with the selected methods."""

from functools import partial

import httpx

from ossferry.authentication.apikey import ApiKeyFile
from ossferry.authentication.jwks import Jwks
from ossferry.authentication.provider import DISCOVERY, Attempt, Provider
from ossferry.clock import monotonic
from ossferry.diagnosis.findings import Finding, Outcome, failed, passed, skipped, warned
from ossferry.doctor.server import Server
from ossferry.errors import IssuerLostError
from ossferry.http.client import fetch_json, outbound_client
from ossferry.settings.choices import Auth

FOR_PROGRAMS = {"apikey", "jwt"}
"""Methods whose proof is a bearer token, which our own page does not have."""

WORST_FIRST = (Outcome.FAIL, Outcome.WARN, Outcome.SKIPPED, Outcome.OK)


async def probe_sign_in(server: Server) -> Finding:
    """Check all authentication methods in the settings.

    The finding has the worst outcome of all methods, the reasons of all methods, and the fixes of
    the methods with this outcome.
    """
    found = [await _method(server, name) for name in server.settings.auth]
    if not _has_people(server):
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


def _has_people(server: Server) -> bool:
    """Return whether people can sign in on the page, or another site's page has tokens."""
    settings = server.settings
    return bool(
        set(settings.auth) - FOR_PROGRAMS or settings.frame_origins or settings.cors_origins
    )


async def _method(server: Server, name: Auth) -> Finding:
    match name:
        case "demo":
            return passed("Everybody may sign in as Alice or Bob, without a proof.")
        case "apikey":
            return _api_keys(server)
        case "jwt":
            return await _jwt(server)
        case "oidc":
            return await _oidc(server)
        case "proxy":
            return _proxy(server)
        case "app":
            return skipped("The application identifies people, not this server.")


def _api_keys(server: Server) -> Finding:
    path = server.settings.api_keys_file
    records = ApiKeyFile(path).records().values() if path else ()
    valid = sum(record.is_live(server.clock()) for record in records)
    told = f"Valid API keys: {valid} of {len(records)}."
    return passed(told) if valid else warned(told, "Run `ossferry apikey create USER`.")


def _proxy(server: Server) -> Finding:
    networks = ", ".join(str(each) for each in server.settings.trusted_proxies)
    return passed(
        f"Identities are accepted from proxies in {networks}, in the header"
        f" {server.settings.proxy_user_header}."
    )


async def _jwt(server: Server) -> Finding:
    url = server.settings.jwt_jwks_url
    async with outbound_client(server.settings) as client:
        return await _keys(server, client, url, option="OSSFERRY_JWT_JWKS_URL")


async def _oidc(server: Server) -> Finding:
    """Check the provider's configuration as the server does, and fetch the provider's keys."""
    settings, option = server.settings, "OSSFERRY_OIDC_ISSUER"
    url = settings.oidc_issuer.removesuffix("/") + DISCOVERY
    async with outbound_client(settings) as client:
        try:
            provider = Provider(settings, clock=server.clock, monotonic=monotonic)
            try:
                await provider.address(Attempt.new(), base="")
            finally:
                await provider.close()
            document = await fetch_json(client, url)
        except IssuerLostError as error:
            return _lost(error, url, option)
        return await _keys(server, client, str(document["jwks_uri"]), option=option)


async def _keys(server: Server, client: httpx.AsyncClient, url: str, *, option: str) -> Finding:
    """Fetch the keys that verify tokens."""
    jwks = Jwks(partial(fetch_json, client, url), monotonic=monotonic)
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
