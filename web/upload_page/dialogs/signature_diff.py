"""Find the first difference between two canonical requests, and its likely cause.

The security token in the requests is a secret. `without_token` removes it before the requests are
shown.
"""

from collections import namedtuple

from ossferry_uploader.oss.signing import UNSIGNED_PAYLOAD, signed_headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.oss.requests import Request

TOKEN = "x-oss-security-token:"  # noqa: S105 - the name of a header

# Sentences for the first lines of a canonical request; the headers follow.
LINES = ("signature_method", "signature_path", "signature_query")
CLOCK_HEADERS = ("date", "x-oss-date")
HEADER_CAUSES = {
    "content-type": "signature_content_type",
    "host": "signature_host",
    "content-md5": "signature_header",
}


# The first difference between two texts: `line` and `column` begin at 0, and `cause` is the key of
# the sentence that names the likely cause.
Difference = namedtuple("Difference", ("line", "column", "cause"))


def canonical_request_of(request: "Request") -> str:
    """Return the canonical request (V4) that the page has signed for this request to OSS."""
    path, _, query = request.url.split("/", 3)[3].partition("?")
    headers = "".join([f"{name}:{value}\n" for name, value in signed_headers(request.headers)])
    uri = f"/{request.bucket.name}/{path}"
    return "\n".join([request.method, uri, query, headers, "", UNSIGNED_PAYLOAD])


def without_token(ours: str, theirs: str) -> "tuple[str, str]":
    """Return two canonical requests with a placeholder in place of the security token.

    If the two tokens differ, the placeholder in the second request says so.

    Args:
        ours: the canonical request of the page.
        theirs: the canonical request of OSS.

    Returns:
        `(ours, theirs)` without the tokens.
    """
    same = _token(ours) == _token(theirs)
    return _hide(ours, "(hidden)"), _hide(theirs, "(hidden)" if same else "(hidden, another)")


def _token(text: str) -> str:
    return "".join([line for line in text.split("\n") if line.startswith(TOKEN)])


def _hide(text: str, instead: str) -> str:
    lines = text.replace("\r", "").split("\n")
    return "\n".join([TOKEN + instead if line.startswith(TOKEN) else line for line in lines])


def first_difference(ours: str, theirs: str) -> "Difference | None":
    """Find the first difference between two canonical requests, and its likely cause.

    Args:
        ours: the canonical request of the page.
        theirs: the canonical request of OSS.

    Returns:
        `line` and `column` of the difference, which begin at 0, and `cause`, the key of the
        sentence that names the likely cause; `None` if the requests are equal.
    """
    if ours == theirs:
        return None
    left, right = ours.split("\n"), theirs.split("\n")
    line = 0
    while line < min(len(left), len(right)) and left[line] == right[line]:
        line += 1
    mine = left[line] if line < len(left) else ""
    other = right[line] if line < len(right) else ""
    column = 0
    while column < min(len(mine), len(other)) and mine[column] == other[column]:
        column += 1
    return Difference(line, column, _cause(line, mine or other))


def _cause(line: int, text: str) -> str:
    if line < len(LINES):
        return LINES[line]
    name = text.partition(":")[0]
    if name in CLOCK_HEADERS:
        return "signature_time"
    return HEADER_CAUSES.get(name, "signature_header")
