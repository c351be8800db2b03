"""The security headers of every answer, whatever made it, errors included.

The page's Content-Security-Policy is built from the configured bucket: the page may talk to us and
to that bucket, and to nobody else. PyScript needs ``'unsafe-eval'``; Trusted Types lock it to
PyScript's own factory strings. A worker file carries a policy of its own.
"""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ossferry.settings import Settings

__all__ = ["SecurityHeaders", "page_policy"]

WORKER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
OTHER_POLICY = "default-src 'none'; frame-ancestors 'none'"
STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"
ALWAYS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(),"
    " payment=(), usb=()",
}


def page_policy(settings: Settings) -> str:
    """Return the Content-Security-Policy of the page."""
    directives = {
        "default-src": "'none'",
        "script-src": "'self' 'unsafe-eval'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "font-src": "'self'",
        "connect-src": f"'self' {settings.bucket_origin}",
        "worker-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "default",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


class SecurityHeaders:
    """ASGI middleware; goes outside of everything that can answer."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._page_policy = page_policy(settings)
        self._behind_tls = settings.behind_tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                https = self._behind_tls or scope["scheme"] == "https"
                self._add(MutableHeaders(scope=message), https=https)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _add(self, headers: MutableHeaders, *, https: bool) -> None:
        for name, value in ALWAYS.items():
            headers[name] = value
        headers["content-security-policy"] = self._policy(headers.get("content-type", ""))
        headers.setdefault("cache-control", "no-store")
        if https:
            headers["strict-transport-security"] = STRICT_TRANSPORT

    def _policy(self, content_type: str) -> str:
        if content_type.startswith("text/html"):
            return self._page_policy
        if content_type.startswith("text/javascript"):
            return WORKER_POLICY
        return OTHER_POLICY
