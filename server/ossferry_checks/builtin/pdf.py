"""The built-in check of PDF files. It does not read the content of the pages."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from ossferry_checks.builtin.aes import encrypt_cbc
from ossferry_checks.builtin.check_options import PdfOptions
from ossferry_checks.files import CheckedFile
from ossferry_checks.registry import Check
from ossferry_checks.results import Reject
from ossferry_checks.sentences import say

if TYPE_CHECKING:
    from pypdf import PdfReader

HEAD = 1024  # bytes in which a PDF file begins


def pdf_check(options: PdfOptions) -> Check:
    """Return the check that refuses damaged PDF files.

    It also refuses files that need a password, unless the options allow them, and files with more
    pages than the options allow.
    """
    return Check(
        name="pdf",
        function=partial(check_pdf, options=options),
        patterns=("*.pdf",),
        max_seconds=30,
        seconds_per_mb=0.5,
    )


def check_pdf(file: CheckedFile, *, options: PdfOptions) -> None:
    """Check that a PDF file is readable, has few enough pages, and needs no forbidden password.

    Raises:
        Reject: the file is damaged, has more than `options.max_pages` pages, or needs a password
            although `options.allow_encrypted` is False.
        ImportError: pypdf is not installed.
    """
    import pypdf
    from pypdf.errors import DependencyError

    _add_aes()

    language = file.language
    with file.path.open("rb") as source:
        if b"%PDF-" not in source.read(HEAD):
            raise Reject(say("pdf_broken", language))
        try:
            reader = pypdf.PdfReader(source)
            is_open = not reader.is_encrypted or bool(reader.decrypt(""))
            if is_open and (options.max_pages is not None or not reader.is_encrypted):
                count = _page_count(reader, limit=options.max_pages or 0)
            else:
                count = 1
        except MemoryError:
            raise
        except DependencyError:  # pypdf has no AES: the password fits, and the pages are unknown
            is_open, count = True, 1
        except Exception as error:  # a broken file can raise almost any exception in pypdf
            raise Reject(say("pdf_broken", language)) from error
    if not is_open and not options.allow_encrypted:
        raise Reject(say("pdf_encrypted", language))
    if not count:
        raise Reject(say("pdf_broken", language))
    if options.max_pages is not None and count > options.max_pages:
        raise Reject(say("pdf_pages", language, limit=options.max_pages))


def _add_aes() -> None:
    """Let pypdf compare passwords without a package for AES, such as in the browser."""
    from pypdf import _encryption
    from pypdf._crypt_providers import _fallback

    name = "aes_cbc_encrypt"
    if getattr(_encryption, name) is getattr(_fallback, name):
        setattr(_encryption, name, encrypt_cbc)


def _page_count(reader: "PdfReader", *, limit: int) -> int:
    """Return the number of pages, or `limit + 1` if there are more."""
    count = 0
    for _ in _pages(reader):
        count += 1
        if count > limit:
            break
    return count


def _pages(reader: "PdfReader") -> Iterator[None]:
    """Yield for each page in the tree of pages, whatever numbers the tree declares."""
    seen: set[int] = set()
    waiting = [reader.root_object.raw_get("/Pages")]
    while waiting:
        node = waiting.pop().get_object()
        if "/Kids" not in node:
            yield
            continue
        if id(node) in seen:
            raise ValueError("the tree of pages contains itself")
        seen.add(id(node))
        waiting += node["/Kids"]
