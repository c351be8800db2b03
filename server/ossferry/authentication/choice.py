"""Creates the authenticator for the authentication methods that the settings select.

With several methods, a request is handled by the method whose proof of identity it contains, such
as a cookie or an API key. If the proof is invalid, no other method is tried. The protection against
cross-site requests asks the same method whether browsers add this proof automatically.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from starlette.requests import Request
from starlette.responses import Response

from ossferry.access.audit import Audit
from ossferry.access.authenticator import Authenticator
from ossferry.access.rate_limits import Rates
from ossferry.authentication.apikey import KEY_PREFIX, ApiKeyAuth, ApiKeyFile
from ossferry.authentication.demo import demo_authenticator
from ossferry.authentication.oidc import Oidc
from ossferry.authentication.proxy import ProxyAuth
from ossferry.authentication.sessions import SignOuts
from ossferry.authentication.tokens import jwt_authenticator
from ossferry.clock import Clock, Monotonic
from ossferry.errors import NoProofError, SettingsError
from ossferry.http.bearer import has_bearer
from ossferry.http.same_site import always, never
from ossferry.identity.principal import Principal
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


def several(methods: Sequence[Authenticator]) -> Authenticator:
    """Return an authenticator that passes each request to one of the given methods.

    A request without a proof of identity for any method is refused with `NoProofError`.

    Args:
        methods: the methods by priority. If a request has proofs of identity for several methods,
            the first of these handles it. Put the methods last whose proof, such as a cookie, a
            browser adds automatically.
    """

    async def refuse(_request: Request) -> Principal:
        raise NoProofError("Please sign in, or send a bearer token.")

    def sign_in(request: Request) -> Response | None:
        found = (each.sign_in(request) for each in methods)
        return next((each for each in found if each is not None), None)

    async def close() -> None:
        async with AsyncExitStack() as ending:  # closes all of them, even if one close fails
            for each in methods:
                ending.push_async_callback(each.close)

    without_proof = Authenticator(identify=refuse, ambient=never, sign_in=sign_in)

    def method(request: Request) -> Authenticator:
        return next(each for each in (*methods, without_proof) if each.carries(request))

    return Authenticator(
        identify=lambda request: method(request).identify(request),
        ambient=lambda request: method(request).ambient(request),
        endpoints={name: each for one in methods for name, each in one.endpoints.items()},
        sign_in=lambda request: method(request).sign_in(request),
        renew=lambda request, response: method(request).renew(request, response),
        close=close,
        expensive=any(each.expensive for each in methods),
        signs_out=any(each.signs_out for each in methods),
    )
