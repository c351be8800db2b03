"""The server that sent this page."""

from ossferry_uploader.browser.server.calls import Server
from upload_page.browser import window

__all__ = ["server"]

server = Server(token=window.token_of_embedding_page if window.is_embedded() else None)
