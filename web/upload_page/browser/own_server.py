"""The object with which the page sends requests to the ossferry server that sent it.

The build imports this module before the page's other modules: the server answers the first request
for a grant while the browser imports them.
"""

import js

from ossferry_uploader.browser.server.calls import Server
from ossferry_uploader.browser.server.grants import ServerGrants
from upload_page.browser import window

server = Server(
    str(js.location.pathname).rpartition("/")[0],
    token=window.token_of_embedding_page if window.is_embedded() else None,
)
grants = ServerGrants(server)

if not window.is_embedded() and not window.is_for_guests():
    grants.fetch_early()
