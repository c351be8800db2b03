"""Reads an HTTP request from text: a curl command, the lines of a request, or a signed URL.

Browsers copy a request in these forms from their developer tools. Of the body, only the fields of a
form (multipart/form-data) are read, because OSS signs nothing else of it.
"""

import argparse
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email import message_from_string
from typing import NoReturn, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

from ossferry.errors import BadRequestError

__all__ = ["FormField", "HttpRequest", "read_request"]

FormField: TypeAlias = tuple[str, str]
"""The lower-case name of a form's field, and its value."""

FORMS = "a curl command (Copy as cURL), the lines of an HTTP request, or a signed URL"
WITHOUT_VALUE = re.compile(r"([^:;]+);")  # curl's form of a header with an empty value
REQUEST_LINE = re.compile(r"([A-Z]+) (\S+) HTTP/[0-9.]+")
HEADER = re.compile(r"(:?[!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)")
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[0-7]{3}|.)", re.DOTALL)
ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request as the client sent it.

    Attributes:
        host: host name of the address in lower case, without the port.
        path: the decoded path.
        query: decoded (name, value) pairs, in the order of the address.
        headers: values by lower-case name; values of repeated headers are joined by ``,``.
        form: the fields of a form, in the order of the body; empty for another body.
    """

    method: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    form: tuple[FormField, ...] = ()


def read_request(text: str) -> HttpRequest:
    """Return the request that a text describes.

    Raises:
        BadRequestError: the text is empty, or has another form.
    """
    text = text.strip()
    if not text:
        raise BadRequestError(f"the request is empty; give {FORMS}.")
    if re.match(r"curl(\.exe)?\s", text):
        return _from_curl(text)
    if re.fullmatch(r"https?://\S+", text):
        return _request("GET", text, ())
    head, *body = re.split(r"\r?\n[ \t]*\r?\n", text, maxsplit=1)
    return _from_lines(head.splitlines(), "".join(body))


def _from_lines(lines: list[str], body: str) -> HttpRequest:
    """Read the request line and the headers; HTTP/2 has headers such as ``:path`` instead."""
    first = REQUEST_LINE.fullmatch(lines[0].strip())
    pairs = []
    for line in lines[1 if first else 0 :]:
        header = HEADER.fullmatch(line.strip())
        if header is None:
            raise BadRequestError(
                f"the request cannot be read at {line.strip()[:40]!r}; give {FORMS}."
            )
        pairs.append((header[1].lower(), header[2]))
    known = dict(pairs)
    method, target = (first[1], first[2]) if first else (known.get(":method"), known.get(":path"))
    host = known.get("host") or known.get(":authority") or ""
    if not method or not target:
        raise BadRequestError(f"the request cannot be read; give {FORMS}.")
    address = target if "://" in target else f"https://{host}{target}"
    named = (pair for pair in pairs if not pair[0].startswith(":"))
    return _request(method, address, named, body=body)


class _Parser(argparse.ArgumentParser):
    """Reads the options of curl; options that do not change the request are ignored."""

    def error(self, message: str) -> NoReturn:
        raise BadRequestError(f"the curl command cannot be read ({message}); give {FORMS}.")


def _curl_parser() -> _Parser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("address", nargs="?")
    parser.add_argument("--url")
    parser.add_argument("-X", "--request")
    parser.add_argument("-H", "--header", action="append", default=[])
    parser.add_argument("-I", "--head", action="store_true")
    parser.add_argument("-T", "--upload-file")
    parser.add_argument("-F", "--form", "--form-string", action="append")
    parser.add_argument("-d", "--data", action="append", dest="body")
    for name in ("--data-raw", "--data-binary", "--data-ascii", "--data-urlencode", "--json"):
        parser.add_argument(name, action="append", dest="body")
    parser.add_argument("-A", "--user-agent")
    parser.add_argument("-b", "--cookie")
    parser.add_argument("-e", "--referer")
    parser.add_argument("-o", "--output")
    parser.add_argument("-m", "--max-time")
    return parser


def _from_curl(text: str) -> HttpRequest:
    try:
        words = shlex.split(_without_shell(text))
    except ValueError as error:
        raise BadRequestError(
            "the curl command is incomplete: a quotation mark is missing."
        ) from error
    options, _ = _curl_parser().parse_known_args(words[1:])
    address = options.url or options.address
    if not address:
        raise BadRequestError("the curl command has no address.")
    pairs = []
    for line in options.header:
        empty = WITHOUT_VALUE.fullmatch(line)
        name, colon, value = (empty[1], ":", "") if empty else line.partition(":")
        if colon and (empty or value.strip()):  # curl sends no header for `name:`
            pairs.append((name.strip().lower(), value))
    fields = [each.partition("=") for each in options.form or ()]
    method = "POST" if options.body or fields else "PUT" if options.upload_file else "GET"
    return _request(
        options.request or ("HEAD" if options.head else method),
        address,
        pairs,
        body="&".join(options.body or ()),
        form=[(name.lower(), value) for name, _, value in fields],
    )


def _without_shell(text: str) -> str:
    """Return a curl command in which only plain quotation marks are left.

    Browsers write ``$'…'`` with escapes for POSIX shells, and carets for the shell of Windows.
    """
    if '^"' in text:
        text = re.sub(r"\^\r?\n", " ", text)
        return re.sub(r"\^(.)", r"\1", text)
    text = re.sub(r"\\\r?\n", " ", text)
    return re.sub(
        r"\$'((?:[^'\\]|\\.)*)'", lambda found: shlex.quote(_unescaped(found[1])), text, flags=re.S
    )


def _unescaped(text: str) -> str:
    def char(found: re.Match[str]) -> str:
        code = found[1]
        if code[0] in "ux" and len(code) > 1:
            return chr(int(code[1:], 16))
        if len(code) == 3:
            return chr(int(code, 8))
        return ESCAPED.get(code, code)

    return ESCAPE.sub(char, text)


def _request(
    method: str,
    address: str,
    pairs: Iterable[tuple[str, str]],
    *,
    body: str = "",
    form: Iterable[FormField] = (),
) -> HttpRequest:
    if "://" not in address:
        address = f"http://{address}"  # as curl reads it
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError as error:
        raise BadRequestError("the address of the request cannot be read.") from error
    if not host:
        raise BadRequestError("the request names no host; add the header Host.")
    headers: dict[str, str] = {}
    for name, value in pairs:
        text = value.strip()
        headers[name] = f"{headers[name]},{text}" if name in headers else text
    headers.setdefault("host", parts.netloc.rpartition("@")[2])
    return HttpRequest(
        method=method.upper(),
        host=host,
        path=unquote(parts.path) or "/",
        query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers,
        form=(*form, *_form(headers.get("content-type", ""), body)),
    )


def _form(content_type: str, body: str) -> Iterable[FormField]:
    """Yield the fields of a body if it is a form; the value of a file is what is left of it."""
    if not content_type.lower().startswith("multipart/form-data"):
        return
    for part in message_from_string(f"Content-Type: {content_type}\n\n{body}").walk():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str):
            yield name.lower(), str(part.get_payload())
