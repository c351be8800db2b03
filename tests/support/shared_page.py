"""One page of Chromium for the stories of a worker.

A new profile fetches, checks and compiles everything again. In a page that stays, a start of
ossferry takes a third of the time. After each story, documents, storage, cookies, permissions,
routes, scripts and emulation are removed. The HTTP cache, `window.name` and the clipboard stay.
Listeners of events stay too; they only add to lists of stories that have ended.

A story that needs an empty cache, or that changes the page in another way, is marked `own_page`
with the reason.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Error, Frame, Page

from support.serving import serve, site


@contextmanager
def shared_page(browser: Browser, options: dict[str, Any]) -> Iterator["SharedPage"]:
    """Yield a shared page that waits at a blank document between stories.

    The servers of all stories have the host of this document. To Chromium they are one site, so it
    keeps the process, and what this process has compiled.
    """
    with serve(site("<title>blank</title>")) as url:
        shared = SharedPage(browser, options, blank=url)
        try:
            yield shared
        finally:
            shared.close()


class SharedPage:
    """A page that is emptied after each story, and replaced if that fails.

    Args:
        options: arguments of `Browser.new_context`.
        blank: the address of a document without scripts.
    """

    def __init__(self, browser: Browser, options: dict[str, Any], *, blank: str) -> None:
        self._browser = browser
        self._blank = blank
        self._options = options
        self._page: Page | None = None
        self._origins: set[str] = set()
        self._undone_by: list[Callable[[], None]] = []
        self._is_used = False
        self._crashed = False

    def get(self) -> Page:
        """Return the page; it is empty, unless a story has used it since `empty`."""
        if self._crashed:
            self.close()
        if self._page is None:
            context = self._browser.new_context(**self._options)
            context.on("page", self._watch)
            self._page = context.new_page()
            self._undo_later(self._page, "add_init_script", "close")
            self._undo_later(context, "new_cdp_session", "detach")
        self._is_used = True
        return self._page

    def empty(self) -> None:
        """Remove everything that the story has left."""
        page = self._page
        if page is None or not self._is_used:
            return
        self._is_used = False
        try:
            if not self._crashed:
                self._empty(page, page.context)
                return
        except Error:  # the story has closed the page, or lost the browser
            pass
        self.close()

    def close(self) -> None:
        """Close the page; `get` makes a new one."""
        page, self._page, self._crashed = self._page, None, False
        self._undone_by.clear()
        if page is not None:
            page.context.close()

    def screenshot(self, path: Path) -> None:
        """Write a screenshot of the page, if it still has one."""
        if self._page and not (self._crashed or self._page.is_closed()):
            self._page.screenshot(path=path, timeout=5000)

    def _undo_later(self, it: Page | BrowserContext, method: str, undone_by: str) -> None:
        """Let `empty` undo each call of a method, with a method of its result."""
        original = getattr(it, method)

        def call(*given: Any, **options: Any) -> Any:
            made = original(*given, **options)
            self._undone_by.append(getattr(made, undone_by))
            return made

        setattr(it, method, call)

    def _watch(self, page: Page) -> None:
        page.on("framenavigated", self._note)
        page.on("crash", self._note_crash)

    def _note_crash(self, _page: Page) -> None:
        self._crashed = True  # some calls never return after a crash

    def _note(self, frame: Frame) -> None:
        parts = urlsplit(frame.url)
        if parts.scheme in ("http", "https"):
            self._origins.add(f"{parts.scheme}://{parts.netloc}")

    def _empty(self, page: Page, context: BrowserContext) -> None:
        for each in context.pages:
            if each is not page:
                each.close()
        page.unroute_all(behavior="ignoreErrors")
        context.unroute_all(behavior="ignoreErrors")
        context.set_offline(False)
        page.goto(self._blank)
        devtools = context.new_cdp_session(page)
        for origin in self._origins:
            devtools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        self._origins.clear()
        for undo in self._undone_by:
            with suppress(Error):  # the story has undone it
                undo()
        self._undone_by.clear()
        context.clear_cookies()
        context.clear_permissions()
        page.emulate_media(
            media="null",
            color_scheme="null",
            reduced_motion="null",
            forced_colors="null",
            contrast="null",
        )
        page.set_viewport_size(self._options["viewport"])
