"""The security headers of all responses, including errors.

The Content-Security-Policy of the page allows connections only to this server and to the addresses
of the configured bucket. No string becomes code, and Trusted Types forbid HTML from strings.
JavaScript files have a separate policy, which the browser applies to web workers.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ossferry.mount import route_path
from ossferry.settings.choices import Recorded
from ossferry.settings.model import Settings

Header: TypeAlias = tuple[bytes, bytes]

FORM = "/form"
LINKS = "/s/"
"""The path of the page with a form that a browser sends to the bucket."""

ADMIN = "/admin"
"""The path of the page with forms that this server receives; it may redirect to a download."""

WORKER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
OTHER_POLICY = "default-src 'none'; frame-ancestors 'none'"
STRICT_TRANSPORT = b"max-age=31536000; includeSubDomains"
ALWAYS: Sequence[Header] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
OPENER = (b"cross-origin-opener-policy", b"same-origin")
"""Only with HTML, like the header of `permissions`."""

PERMISSIONS = b"permissions-policy"
RECORDED: Mapping[str, Recorded | None] = {
    "camera": "camera",
    "display-capture": "screen",
    "geolocation": None,
    "microphone": "sound",
    "payment": None,
    "usb": None,
}
"""What pages may not do, unless `OSSFERRY_RECORD` has the value."""

FRAMED = ((b"x-frame-options", b"DENY"),)  # this header cannot list several sites
REPLACED = frozenset(
    [name for name, _ in ALWAYS]
    + [OPENER[0], PERMISSIONS, b"content-security-policy", b"strict-transport-security"]
)


def page_policy(
    settings: Settings, inline: Mapping[str, Sequence[str]], ancestors: Sequence[str] = ()
) -> str:
    """Return the Content-Security-Policy of the upload page.

    Args:
        inline: hashes of the page's inline scripts and styles, by directive; others are blocked.
        ancestors: the sites that may embed the page; by default no site.
    """
    allowed = {
        directive: " ".join(["'self'", *(f"'{each}'" for each in inline.get(directive, ()))])
        for directive in ("script-src", "style-src")
    }
    directives = {
        "default-src": "'none'",
        "script-src": f"{allowed['script-src']} 'wasm-unsafe-eval'",
        "style-src": allowed["style-src"],
        "img-src": f"'self' data: blob:{_previews(settings)}",
        "media-src": f"blob:{_previews(settings)}",  # blob: the first frame of a chosen video
        "frame-src": (settings.link_origin and _previews(settings).strip()) or "'none'",  # PDF
        "font-src": "'self'",
        "connect-src": " ".join(["'self'", *settings.upload_origins]) + _downloads(settings),
        # blob: scripts whose hash the page has verified; no service worker
        "worker-src": "'self' blob:" if settings.has_checks else "blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": " ".join(ancestors) or "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "default",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def permissions(recorded: Sequence[Recorded] = ()) -> Header:
    """Return the header that says which of `RECORDED` a page may do.

    Only with HTML: other files have no use for it, and a page load has fifteen of them.
    """
    allowed = [
        f"{name}={'(self)' if kind in recorded else '()'}" for name, kind in RECORDED.items()
    ]
    return PERMISSIONS, ", ".join(allowed).encode()


def form_policy(settings: Settings) -> str:
    """Return the Content-Security-Policy of the page with an upload form.

    The browser sends the form to the bucket, and the bucket redirects the browser to this server.
    Browsers check all redirects against `form-action`, so both addresses are allowed.
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
    """Return a space and the origin of preview images; an empty text if there are no previews."""
    return f" {settings.links_address}" if settings.objects_role_arn else ""


def _downloads(settings: Settings) -> str:
    """Return the origin of downloads like `_previews`, unless uploads go there, too."""
    return "" if settings.links_address in settings.upload_origins else _previews(settings)


class SecurityHeaders:
    """ASGI middleware that adds security headers to responses.

    This middleware must be the outermost one, so that error responses get the headers too.

    Args:
        inline: hashes of the upload page's inline scripts and styles, by directive; others are
            blocked.
    """

    def __init__(
        self, app: ASGIApp, settings: Settings, inline: Mapping[str, Sequence[str]]
    ) -> None:
        self._app = app
        self._html_policy = page_policy(settings, inline)
        self._page_policy = page_policy(settings, inline, tuple(settings.frame_origins))
        self._form_policy = form_policy(settings)
        self._admin_policy = self._html_policy.replace(
            "form-action 'none'", f"form-action 'self'{_previews(settings)}"
        )
        self._permissions = permissions()
        self._page_permissions = permissions(settings.record)
        self._framed = bool(settings.frame_origins)
        self._behind_tls = settings.behind_tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the security headers to the response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                https = self._behind_tls or scope["scheme"] == "https"
                path = route_path(scope)
                given = message["headers"]
                message = {**message, "headers": self._with(given, https=https, path=path)}
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _with(self, given: Sequence[Header], *, https: bool, path: str) -> list[Header]:
        """Return the headers of a response together with the security headers.

        A security header replaces a header of the same name in the response.
        """
        own = {name.lower(): value for name, value in given}
        content_type = own.get(b"content-type", b"").decode("latin-1")
        headers = [pair for pair in given if pair[0].lower() not in REPLACED]
        framed = self._framed and path == "/"
        headers += [pair for pair in ALWAYS if not (framed and pair in FRAMED)]
        if content_type.startswith("text/html"):
            headers += (OPENER, self._page_permissions if path == "/" else self._permissions)
        policy = self._policy(content_type, path)
        headers.append((b"content-security-policy", policy.encode()))
        if b"cache-control" not in own:
            headers.append((b"cache-control", b"no-store"))
        if https:
            headers.append((b"strict-transport-security", STRICT_TRANSPORT))
        return headers

    def _policy(self, content_type: str, path: str) -> str:
        """Return the Content-Security-Policy of a response.

        Other sites may embed only the page at `/`.
        """
        if content_type.startswith("text/html"):
            if path.endswith(FORM):  # guests of file requests have one too
                return self._form_policy
            if path.startswith(LINKS):
                return self._admin_policy
            own = {"/": self._page_policy, ADMIN: self._admin_policy}
            return own.get(path, self._html_policy)
        if content_type.startswith("text/javascript"):
            return WORKER_POLICY
        return OTHER_POLICY
