"""Protection against cross-site requests, which another site makes a visitor's browser send.

This module does not identify the sender. Requests from other origins are refused unless the
settings list the origin.
"""

from collections.abc import Callable
from typing import TypeAlias

from starlette.requests import Request

from ossferry.errors import CrossSiteError
from ossferry.settings.model import Settings

__all__ = ["Ambient", "Guard", "always", "never", "with_cookie"]

OWN_SITES = ("same-origin", "none")
"""Values of `Sec-Fetch-Site` for a request of our own page, and for an address typed by hand."""

Ambient: TypeAlias = Callable[[Request], bool]
"""A function that returns whether browsers add the proof of identity of a request automatically."""


class Guard:
    """Refuses requests that another site made a browser send.

    Browsers name the site that caused a request in the headers `Sec-Fetch-Site` and `Origin`.
    Programs send neither header. Requests without these headers pass, unless browsers add the proof
    of identity automatically.

    Args:
        ambient: returns whether browsers add the proof of identity of a request automatically, such
            as a cookie.
    """

    def __init__(self, settings: Settings, *, ambient: Ambient) -> None:
        self._public_url = settings.public_url
        self._cors = frozenset(settings.cors_origins)
        self._ambient = ambient

    def refuse_other_sites(self, request: Request) -> None:
        """Check that our own page, a program or a configured origin sent the request.

        Raises:
            CrossSiteError: another site made the browser send the request.
        """
        sites = request.headers.getlist("sec-fetch-site")
        origins = request.headers.getlist("origin")
        ambient = self._ambient(request)
        if not ambient and len(origins) == 1 and origins[0] in self._cors:
            return
        own = f"{request.url.scheme}://{request.headers.get('host', '')}"
        from_here = bool(origins) and all(each in (own, self._public_url) for each in origins)
        if (origins and not from_here) or _is_from_another_site(request):
            raise CrossSiteError("Only this server's own page may ask for this.")
        if ambient and not from_here and sites != ["same-origin"]:
            raise CrossSiteError("Only this server's own page may ask for this.")

    def refuse_links_from_elsewhere(self, request: Request) -> None:
        """Refuse a request if the browser reports that another site opened this page.

        Use this check for pages, because another site cannot read a page that it opens. Old
        browsers do not send `Sec-Fetch-Site`. Their requests pass, because old browsers need the
        page without scripts most.

        Raises:
            CrossSiteError: another site opened the page.
        """
        if _is_from_another_site(request):
            raise CrossSiteError("Please open this page by a link of this server's own.")


def _is_from_another_site(request: Request) -> bool:
    """Return whether the browser reports that another site made it send this request."""
    return any(site not in OWN_SITES for site in request.headers.getlist("sec-fetch-site"))


def always(_request: Request) -> bool:
    """Return True: the value of `ambient` for a proof of identity that browsers always add."""
    return True


def never(_request: Request) -> bool:
    """Return False: the value of `ambient` for a proof of identity that browsers never add."""
    return False


def with_cookie(request: Request) -> bool:
    """Return whether the request has a cookie or HTTP credentials, which browsers add."""
    scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
    return "cookie" in request.headers or scheme in ("basic", "digest", "negotiate", "ntlm")
