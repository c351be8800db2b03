"""Protection against cross-site requests.

A cross-site request is sent by a user's browser, but caused by another site. Such a request is
refused, unless the settings list the origin of the other site.
"""

from collections.abc import Callable
from typing import TypeAlias

from starlette.requests import Request

from ossferry.errors import CrossSiteError
from ossferry.settings.model import Settings

OWN_SITES = ("same-origin", "none")
"""Values of `Sec-Fetch-Site` for a request of our own page, and for an address typed by hand."""

Ambient: TypeAlias = Callable[[Request], bool]
"""A function that returns whether browsers add the proof of identity of a request automatically."""


class Guard:
    """Refuses requests that another site caused.

    A browser describes the site that caused a request in the headers `Sec-Fetch-Site` and `Origin`.
    Programs send neither header. A request without these headers is accepted, unless browsers add
    the proof of identity automatically.

    Args:
        ambient: returns whether a browser adds the request's proof of identity automatically, as it
            adds a cookie.
    """

    def __init__(self, settings: Settings, *, ambient: Ambient) -> None:
        self._public_url = settings.public_url
        self._cors = frozenset(settings.cors_origins)
        self._ambient = ambient

    def refuse_other_sites(self, request: Request) -> None:
        """Raise an error unless this server's page, a program or a configured origin is the sender.

        Raises:
            CrossSiteError: another site caused the request.
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
        """Raise an error if the browser reports that another site opened the requested page.

        Use this check only for pages: another site can open a page, but cannot read the page.
        Requests without the header `Sec-Fetch-Site` are accepted, because old browsers do not send
        this header.

        Raises:
            CrossSiteError: another site opened the page.
        """
        if _is_from_another_site(request):
            raise CrossSiteError("Please open this page by a link of this server's own.")


def _is_from_another_site(request: Request) -> bool:
    """Return whether the browser reports that another site caused this request."""
    return any(site not in OWN_SITES for site in request.headers.getlist("sec-fetch-site"))


def always(_request: Request) -> bool:
    """Return True; pass this function to `Guard` if browsers always add the proof of identity."""
    return True


def never(_request: Request) -> bool:
    """Return False; pass this function to `Guard` if browsers never add the proof of identity."""
    return False


def with_cookie(request: Request) -> bool:
    """Return whether a browser may have added a proof of identity to the request automatically.

    This is a cookie, or HTTP credentials such as those of Basic authentication.
    """
    scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
    return "cookie" in request.headers or scheme in ("basic", "digest", "negotiate", "ntlm")
