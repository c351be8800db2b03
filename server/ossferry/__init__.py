"""Decides who may write where in an OSS bucket, and vends the short-lived credentials to do it.

`create_app(settings)` is a Starlette application: the page, its assets and the token API.
It never sees a file's bytes, and it imports neither the page's code nor (outside `demo`) the mock.
"""

from ossferry.app import create_app
from ossferry.auth import Identify, Principal
from ossferry.settings import Settings, load_settings

__all__ = ["Identify", "Principal", "Settings", "create_app", "load_settings"]
