"""The object with which the page sends requests to the ossferry server that sent it."""

import js

from ossferry_uploader.browser.server.calls import Server
from upload_page.browser import window

server = Server(
    str(js.location.pathname).rpartition("/")[0],
    token=window.token_of_embedding_page if window.is_embedded() else None,
)
