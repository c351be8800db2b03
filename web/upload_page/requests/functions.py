"""The functions that the page calls for requests for files."""

from upload_page.requests.ask import ask_for_files
from upload_page.requests.asked_for import show_asked_for
from upload_page.requests.guest import serve_guest

__all__ = ["ask_for_files", "serve_guest", "show_asked_for"]
