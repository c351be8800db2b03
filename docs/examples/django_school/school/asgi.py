"""The ASGI application: Django, and the uploads below /uploads for people of Django's session.

Run `python manage.py migrate` and `python manage.py createsuperuser` once, and then
`uvicorn --env-file ../development.env school.asgi:application`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

from django.conf import settings
from django.contrib.auth import aget_user
from django.core.asgi import get_asgi_application
from django.http import HttpRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route

from ossferry import Principal, create_app, load_settings
from ossferry.errors import NoProofError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "school.settings")
django_app = get_asgi_application()


async def identify(request: Request) -> Principal:
    """Return the person who is signed in; Django verifies the session as for its own views."""
    cookie = request.cookies.get(settings.SESSION_COOKIE_NAME, "")
    if not cookie:
        raise NoProofError("Please sign in.")
    asking = HttpRequest()
    asking.session = import_module(settings.SESSION_ENGINE).SessionStore(cookie)
    user = await aget_user(asking)
    if not user.is_active:  # also False if nobody is signed in
        raise NoProofError("Please sign in.")
    return Principal(id=str(user.pk), name=user.get_username())


uploads = create_app(load_settings(), identify=identify)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    """Start and stop the background work of the uploads together with the application."""
    async with uploads.router.lifespan_context(uploads):
        yield


async def add_slash(_request: Request) -> RedirectResponse:
    """Redirect `/uploads` to the page."""
    return RedirectResponse("/uploads/")


application = Starlette(
    routes=[Route("/uploads", add_slash), Mount("/uploads", uploads), Mount("/", django_app)],
    lifespan=lifespan,
)
