"""The server that sent this page."""

from ossferry_uploader.browser.server.calls import Server

__all__ = ["server"]

server = Server()
