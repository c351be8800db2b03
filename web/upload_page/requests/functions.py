"""The functions that the page calls for requests for files, and the sentences that they need."""

from upload_page.browser.language import fetch_words
from upload_page.browser.style_sheets import load_styles
from upload_page.browser.window import is_for_guests
from upload_page.requests.ask import ask_for_files
from upload_page.requests.asked_for import show_asked_for
from upload_page.requests.guest import serve_guest
from upload_page.view.words.text import use_more

__all__ = ["ask_for_files", "prepare", "serve_guest", "show_asked_for"]

# The page says these otherwise to guests, who have no quota of their own.
FOR_GUESTS = (
    "hint_whole grant_quota grant_quota_next no_room no_room_next paused_quota too_many_total_next"
)

_loaded: "list[bool]" = []


async def prepare() -> None:
    """Load the style sheet and the sentences.

    Raises:
        ServerRefused: the server does not answer.
    """
    if not _loaded:
        await load_styles("requests_styles")
        words = await fetch_words("requests_words")
        if is_for_guests():
            for said in words.values():
                said.update({key: said[f"guest_{key}"] for key in FOR_GUESTS.split()})
        use_more(words)
        _loaded.append(True)
