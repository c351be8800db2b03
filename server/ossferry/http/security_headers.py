"""The security headers of every answer, whatever made it, errors included.

The page's Content-Security-Policy is built from the configured bucket: the page may talk to us and
to the addresses of that bucket, and to nobody else. PyScript needs ``'unsafe-eval'``; Trusted Types
lock it to PyScript's own factory strings. A worker file carries a policy of its own.
"""

from collections.abc import Sequence
from typing import TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ossferry.settings.model import Settings

__all__ = ["FORM", "SecurityHeaders", "form_policy", "page_policy"]

Header: TypeAlias = tuple[bytes, bytes]

FORM = "/form"
"""The address of the page that sends a form to the bucket."""

WORKER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
OTHER_POLICY = "default-src 'none'; frame-ancestors 'none'"
STRICT_TRANSPORT = b"max-age=31536000; includeSubDomains"
ALWAYS: Sequence[Header] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
)
FRAMED = ((b"x-frame-options", b"DENY"),)  # it knows no list of sites
REPLACED = frozenset(
    [name for name, _ in ALWAYS] + [b"content-security-policy", b"strict-transport-security"]
)


def page_policy(
    settings: Settings, inline_scripts: Sequence[str] = (), ancestors: Sequence[str] = ()
) -> str:
    """Return the Content-Security-Policy of the page.

    Args:
        inline_scripts: hashes of the only scripts that may stand in the page itself.
        ancestors: the sites that may embed it.
    """
    scripts = [f"'{each}'" for each in inline_scripts]
    directives = {
        "default-src": "'none'",
        "script-src": " ".join(["'self' 'unsafe-eval'", *scripts]),
        "style-src": "'self'",
        "img-src": f"'self' data: blob:{_previews(settings)}",
        "media-src": "blob:",  # the first frame of a video that was chosen
        "font-src": "'self'",
        "connect-src": " ".join(["'self'", *settings.upload_origins]),
        "worker-src": "blob:",  # what the page has checked by its hash; no service worker
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": " ".join(ancestors) or "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "default",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def form_policy(settings: Settings) -> str:
    """Return the Content-Security-Policy of the page with a form.

    The form goes to the bucket, and the bucket sends the browser back to us: browsers hold the
    whole way against ``form-action``.
    """
    public = [settings.public_url] if settings.public_url else []
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": " ".join(["'self'", *public, settings.form_address]),
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def _previews(settings: Settings) -> str:
    """Return where previews of uploads come from, if the server can sign links to them."""
    return f" {settings.links_address}" if settings.objects_role_arn else ""


class SecurityHeaders:
    """ASGI middleware; goes outside of everything that can answer."""

    def __init__(
        self, app: ASGIApp, settings: Settings, inline_scripts: Sequence[str] = ()
    ) -> None:
        self._app = app
        self._html_policy = page_policy(settings, inline_scripts)
        self._page_policy = page_policy(settings, inline_scripts, settings.frame_origins)
        self._form_policy = form_policy(settings)
        self._framed = bool(settings.frame_origins)
        self._behind_tls = settings.behind_tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                https = self._behind_tls or scope["scheme"] == "https"
                path = scope["path"].removeprefix(scope.get("root_path", ""))
                given = message["headers"]
                message = {**message, "headers": self._with(given, https=https, path=path)}
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _with(self, given: Sequence[Header], *, https: bool, path: str) -> list[Header]:
        """Return an answer's own headers and ours; where both say something, ours count."""
        own = {name.lower(): value for name, value in given}
        content_type = own.get(b"content-type", b"").decode("latin-1")
        headers = [pair for pair in given if pair[0].lower() not in REPLACED]
        framed = self._framed and path == "/"
        headers += [pair for pair in ALWAYS if not (framed and pair in FRAMED)]
        policy = self._policy(content_type, path)
        headers.append((b"content-security-policy", policy.encode()))
        if b"cache-control" not in own:
            headers.append((b"cache-control", b"no-store"))
        if https:
            headers.append((b"strict-transport-security", STRICT_TRANSPORT))
        return headers

    def _policy(self, content_type: str, path: str) -> str:
        """Return the policy; of all that is HTML, other sites may embed the page alone."""
        if content_type.startswith("text/html"):
            return {"/": self._page_policy, FORM: self._form_policy}.get(path, self._html_policy)
        if content_type.startswith("text/javascript"):
            return WORKER_POLICY
        return OTHER_POLICY
