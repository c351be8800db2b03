"""Construction of the authenticator that the settings select."""

from typing import TYPE_CHECKING

from ossferry.access.rate_limits import Rates
from ossferry.authentication.apikey import ApiKeyWay
from ossferry.authentication.apikey_file import ApiKeyFile
from ossferry.authentication.demo import demo_way
from ossferry.authentication.jwt import JwtWay
from ossferry.authentication.oidc import oidc_way
from ossferry.authentication.proxy import ProxyWay
from ossferry.authentication.sign_outs import SignOuts
from ossferry.clock import Clock, Monotonic
from ossferry.errors import SettingsError
from ossferry.http.client import outbound_client
from ossferry.http.same_site import always, never, with_cookie
from ossferry.identity.principal import Identify, Way
from ossferry.settings.model import Settings
from ossferry.state.key_value import Storage

if TYPE_CHECKING:
    from ossferry.access.audit import Audit

__all__ = ["own_way", "way_for"]


def own_way(identify: Identify) -> Way:
    """Return an authenticator for an application that identifies principals itself."""
    return Way(identify=identify, ambient=with_cookie, dear=True)


def way_for(
    settings: Settings,
    storage: Storage,
    rates: Rates,
    audit: "Audit",
    *,
    sign_outs: SignOuts,
    clock: Clock,
    monotonic: Monotonic,
) -> Way:
    """Return the authenticator selected by `OSSFERRY_AUTH`.

    Raises:
        SettingsError: the file with the API keys is missing or cannot be read.
    """
    match settings.auth:
        case "demo":
            return demo_way(settings, audit)
        case "apikey":
            return _apikey_way(settings, clock)
        case "jwt":
            client = outbound_client(settings)
            jwt = JwtWay(settings, client, clock=clock, monotonic=monotonic)
            return Way(identify=jwt.identify, ambient=never, close=client.aclose)
        case "proxy":
            return Way(identify=ProxyWay(settings).identify, ambient=always)
        case "oidc":
            return oidc_way(
                settings,
                storage,
                rates,
                audit,
                sign_outs=sign_outs,
                clock=clock,
                monotonic=monotonic,
            )


def _apikey_way(settings: Settings, clock: Clock) -> Way:
    if settings.api_keys_file is None:
        raise SettingsError("OSSFERRY_API_KEYS_FILE is missing.")
    if not settings.api_keys_file.exists():
        raise SettingsError(
            "OSSFERRY_API_KEYS_FILE: there is no such file; `ossferry apikey create` makes it."
        )
    file = ApiKeyFile(settings.api_keys_file)
    file.records()  # refuse to start if the file cannot be read
    way = ApiKeyWay(file, secret=settings.secret_bytes, clock=clock)
    return Way(identify=way.identify, ambient=never)
