"""The server that sent this page."""

import js

from ossferry_uploader.browser.server.calls import Server

__all__ = ["server"]

server = Server(str(js.location.pathname).rpartition("/")[0])
