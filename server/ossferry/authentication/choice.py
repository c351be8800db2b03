"""Creates the authenticator for the authentication methods that the settings select."""

from ossferry.access.audit import Audit
from ossferry.access.authenticator import Authenticator
from ossferry.access.rate_limits import Rates
from ossferry.authentication.apikey import ApiKeyAuth
from ossferry.authentication.apikey_file import ApiKeyFile
from ossferry.authentication.apikey_format import KEY_PREFIX
from ossferry.authentication.demo import demo_authenticator
from ossferry.authentication.oidc import Oidc
from ossferry.authentication.proxy import ProxyAuth
from ossferry.authentication.several import several
from ossferry.authentication.sign_outs import SignOuts
from ossferry.authentication.tokens import jwt_authenticator
from ossferry.clock import Clock, Monotonic
from ossferry.errors import SettingsError
from ossferry.http.bearer import has_bearer
from ossferry.http.same_site import always, never
from ossferry.settings.choices import Auth
from ossferry.settings.model import Settings
from ossferry.state.choice import Storage

ORDER: tuple[Auth, ...] = ("apikey", "jwt", "proxy", "oidc", "demo", "app")
"""If a request has several proofs of identity, the first method in this order handles it. Browsers
never add a bearer token automatically, so its methods come first.
"""


def authenticator_for(
    settings: Settings,
    storage: Storage,
    rates: Rates,
    audit: Audit,
    *,
    sign_outs: SignOuts,
    clock: Clock,
    monotonic: Monotonic,
) -> Authenticator:
    """Return the authenticator for the methods in `OSSFERRY_AUTH`.

    Raises:
        SettingsError: the file with the API keys is missing or cannot be read; or the method is
            `app`, and no application has passed an `identify` function.
    """

    def method(name: Auth) -> Authenticator:
        match name:
            case "demo":
                return demo_authenticator(settings, audit)
            case "apikey":
                return _apikey_authenticator(settings, clock)
            case "jwt":
                return jwt_authenticator(settings, clock=clock, monotonic=monotonic)
            case "proxy":
                proxy = ProxyAuth(settings)
                return Authenticator(identify=proxy.identify, ambient=always, carries=proxy.carries)
            case "oidc":
                return Oidc(
                    settings,
                    storage,
                    rates,
                    audit,
                    sign_outs=sign_outs,
                    clock=clock,
                    monotonic=monotonic,
                ).authenticator()
            case "app":
                raise SettingsError(
                    "OSSFERRY_AUTH=app is for applications that give `identify` to `create_app`:"
                    " choose another method for a server of its own."
                )

    methods = [method(name) for name in ORDER if name in settings.auth]
    return methods[0] if len(methods) == 1 else several(methods)


def _apikey_authenticator(settings: Settings, clock: Clock) -> Authenticator:
    if settings.api_keys_file is None:
        raise SettingsError("OSSFERRY_API_KEYS_FILE is missing.")
    if not settings.api_keys_file.exists():
        raise SettingsError(
            "OSSFERRY_API_KEYS_FILE: there is no such file; `ossferry apikey create USER` makes it."
        )
    file = ApiKeyFile(settings.api_keys_file)
    file.records()  # refuse to start if the file cannot be read
    keys = ApiKeyAuth(file, secret=settings.secret_bytes, clock=clock)
    prefix = KEY_PREFIX if "jwt" in settings.auth else ""
    return Authenticator(
        identify=keys.identify, ambient=never, carries=lambda request: has_bearer(request, prefix)
    )
