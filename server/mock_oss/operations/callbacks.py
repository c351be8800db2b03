"""Upload callbacks: after an upload, the mock sends a POST request to an application server.

The mock forwards the application server's response to the client. If the callback fails, the client
receives 203 CallbackFailed; the object stays stored. Unlike OSS, the mock also calls application
servers on its own machine. Source: vendor page "Callback".
"""

import asyncio
import http.client
import json
import re
import socket
import struct
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import quote_plus, urlsplit

from mock_oss.errors import RefusedError
from mock_oss.http.documents import read_json
from mock_oss.http.request import signed_text
from mock_oss.http.response import Response
from mock_oss.service import Call, Service
from mock_oss.signing import callback as signing
from mock_oss.store.records import ObjectRecord, clip

MAX_BYTES = 5 * 1024
MAX_URLS = 5
MAX_ANSWER_BYTES = 1 << 20
TIMEOUT_S = 5.0
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_HOST = re.compile(r"[!-~]*")
_IPV6_UNICAST = ip_network("2000::/3")
_NUMBERS = frozenset({"size", "imageInfo.height", "imageInfo.width"})
_IMAGES = (
    (b"\x89PNG\r\n\x1a\n", ">II", 16, "png"),
    (b"GIF87a", "<HH", 6, "gif"),
    (b"GIF89a", "<HH", 6, "gif"),
    (b"BM", "<ii", 18, "bmp"),
)
"""First bytes of an image, layout and offset of its width and height, and its format."""
_JPEG_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Callback:
    """The parameters of an upload callback, from the client's request.

    `variables` maps the names of custom variables (`x:name`) to their values.
    """

    urls: tuple[str, ...]
    host: str
    body: str
    body_type: str
    variables: Mapping[str, str]


def read_callback(call: Call) -> _Callback | None:
    """Return the callback parameters of a request, or None for a request without a callback.

    Raises:
        RefusedError: InvalidArgument if the callback parameters are not valid.
    """
    fields = call.fields
    if fields is not None:
        text = fields.get("callback")
        variables = {name: value for name, value in fields.items() if name.startswith("x:")}
        return _parse(text, variables) if text else None
    in_header, in_query = call.header("x-oss-callback"), call.param("callback")
    if in_header and in_query:
        raise _wrong(
            "Either the callback query string parameter or the x-oss-callback header should be "
            "specified, not both."
        )
    text = in_header or in_query
    if not text:
        return None
    return _parse(text, _variables(call.header("x-oss-callback-var") or call.param("callback-var")))


def _wrong(message: str) -> RefusedError:
    return RefusedError("InvalidArgument", message, ec="0007-00000201", ArgumentName="callback")


def _decoded(text: str, what: str) -> dict[str, object]:
    if len(text) > MAX_BYTES:
        raise _wrong(f"The {what} is larger than 5 KB.")
    try:
        document = read_json(b64decode(text, validate=True))
    except ValueError as e:
        raise _wrong(f"The {what} is not valid base64 of JSON.") from e
    if not isinstance(document, dict):
        raise _wrong(f"The {what} is not a json object.")
    return document


def _variables(text: str) -> dict[str, str]:
    if not text:
        return {}
    variables = {}
    for name, value in _decoded(text, "callback-var").items():
        if not name.startswith("x:"):  # OSS accepts and ignores other names
            continue
        if name != name.lower():
            raise _wrong("The names of custom variables must be lower case.")
        variables[name] = str(value)
    return variables


def _parse(text: str, variables: Mapping[str, str]) -> _Callback:
    document = _decoded(text, "callback")
    urls = document.get("callbackUrl")
    body, body_type = document.get("callbackBody"), document.get("callbackBodyType") or FORM
    if not isinstance(urls, str) or not urls:
        raise _wrong("The callbackUrl is missing.")
    if not isinstance(body, str) or not body:
        raise _wrong("The callbackBody is missing.")
    if body_type not in (FORM, JSON):
        raise _wrong("The callbackBodyType is not supported.")
    listed = tuple(url if "://" in url else f"http://{url}" for url in urls.split(";") if url)
    if not 1 <= len(listed) <= MAX_URLS:
        raise _wrong("There are 1 to 5 callback urls.")
    for url in listed:
        _check_url(url)
    host = document.get("callbackHost") or ""
    if not isinstance(host, str) or not _HOST.fullmatch(host):
        raise _wrong("The callbackHost is not the name of a host.")
    return _Callback(
        urls=listed, host=host, body=body, body_type=str(body_type), variables=variables
    )


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not url.isascii() or not url.isprintable() or " " in url:
        raise _wrong("The callbackUrl is not a URL.")


def _render_body(callback: _Callback, values: Mapping[str, str]) -> bytes:
    """Return the body of the callback request with all placeholders replaced.

    Values are URL-encoded in a form body and JSON-encoded in a JSON body. The value of an unknown
    placeholder is empty text.

    Args:
        callback: the callback.
        values: the values of the predefined placeholders, such as `bucket`.
    """

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        value = callback.variables.get(name, "") if name.startswith("x:") else values.get(name, "")
        if callback.body_type != JSON:
            return quote_plus(value)
        return value if name in _NUMBERS and value else json.dumps(value, ensure_ascii=False)

    return _PLACEHOLDER.sub(fill, callback.body).encode()


def _values(call: Call, record: ObjectRecord) -> dict[str, str]:
    head = b"".join(call.store.blobs.read(clip(record.segments, 0, 64 << 10)))
    width, height, kind = _image_info(head)
    return {
        "bucket": record.bucket,
        "object": record.key,
        "etag": record.etag,
        "size": str(record.size),
        "mimeType": signed_text(record.stored_headers.get("content-type", "")),
        "imageInfo.width": width,
        "imageInfo.height": height,
        "imageInfo.format": kind,
        "crc64": record.crc64,
        "contentMd5": record.md5,
        "vpcId": "",
        "clientIp": call.request.client_ip,
        "reqId": call.record.request_id,
        "operation": call.record.operation,
    }


def _image_info(head: bytes) -> tuple[str, str, str]:
    """Return the width, height and format of an image as text; empty texts for other files.

    Args:
        head: the first bytes of the file.
    """
    try:
        for start, layout, offset, kind in _IMAGES:
            if head.startswith(start):
                width, height = struct.unpack_from(layout, head, offset)
                return str(width), str(abs(height)), kind
        return _jpeg_info(head) if head.startswith(b"\xff\xd8") else ("", "", "")
    except struct.error:
        return "", "", ""


def _jpeg_info(head: bytes) -> tuple[str, str, str]:
    position = 2
    while position + 9 < len(head) and head[position] == 0xFF:
        if head[position + 1] in _JPEG_SIZES:
            height, width = struct.unpack(">HH", head[position + 5 : position + 9])
            return str(width), str(height), "jpg"
        (length,) = struct.unpack(">H", head[position + 2 : position + 4])
        position += 2 + length
    return "", "", ""


async def deliver(callback: _Callback, call: Call, record: ObjectRecord) -> Response:
    """Send an upload callback; return the application server's answer, to send to the client.

    The mock tries the URLs of the callback in order until a server answers.

    Args:
        callback: the parameters of the callback.
        call: the request that uploaded the object.
        record: the uploaded object.

    Raises:
        RefusedError: CallbackFailed (status 203) if no server answers in time, or if the answer is
            not JSON with status 200. The object stays stored.
    """
    body = _render_body(callback, _values(call, record))
    written = dict(call.stored(record))
    loop, service = asyncio.get_running_loop(), call.service
    failure = "OSS can not connect to your callbackUrl, please check it."
    for url in callback.urls:
        try:
            post = partial(_post, callback, url, body, service)
            status, answer = await loop.run_in_executor(service.callers, post)
        except TimeoutError:
            failure = "Cost too long time."
            continue
        except _PrivateAddressError as e:
            failure = str(e)
            continue
        except (OSError, ValueError, http.client.HTTPException):  # ValueError: invalid host name
            continue
        if status != 200:
            failure = f"Error status : {status}."
            break
        try:
            json.loads(answer)
        except (ValueError, RecursionError):
            failure = "Response body is not valid json format."
            break
        return Response(200, [("Content-Type", JSON), *written.items()], answer)
    raise RefusedError(
        "CallbackFailed", failure, headers=written, why={"kind": "callback", "cause": failure}
    )


def _post(callback: _Callback, url: str, body: bytes, service: Service) -> tuple[int, bytes]:
    """Send a callback request to an application server; return the status and body of the answer.

    This function blocks until the answer arrives.
    """
    parts = urlsplit(url)
    path = parts.path or "/"
    text = signing.string_to_sign(path, parts.query, body)
    headers = {
        "Host": callback.host or parts.netloc,
        "User-Agent": "http-client/0.0.1",
        "Content-Type": callback.body_type,
        "Content-Length": str(len(body)),
        "x-oss-pub-key-url": b64encode(service.public_key_url.encode()).decode(),
        "Authorization": signing.sign(signing.mock_key(), text),
        "Connection": "close",
    }
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    # Without a port, `kind` would take the end of an IPv6 address for one.
    port = parts.port or kind.default_port
    connection = kind(parts.hostname or "", port, timeout=TIMEOUT_S)
    if not service.private_callbacks:
        connection._create_connection = _connect  # type: ignore[attr-defined]
    try:
        target = f"{path}?{parts.query}" if parts.query else path
        connection.request("POST", target, body, headers)
        response = connection.getresponse()
        return response.status, response.read(MAX_ANSWER_BYTES)
    finally:
        connection.close()


class _PrivateAddressError(OSError):
    """Raised if the application server has only private addresses."""


def _connect(address: tuple[str, int], *options: Any) -> socket.socket:
    """Connect to a public or a loopback address of a host, as `socket.create_connection` does.

    The name is resolved once: a name server could give another address the next time.
    """
    host, port = address
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    error: OSError = _PrivateAddressError(
        f"The mock sends no callbacks to private addresses, and {host} has no other one; start the "
        "mock with --private-callbacks to allow them."
    )
    for ip in filter(_may_be_called, (str(info[4][0]) for info in infos)):
        try:
            return socket.create_connection((ip, port), *options)
        except OSError as e:
            error = e
    raise error


def _may_be_called(address: str) -> bool:
    ip = ip_address(address)
    # Python also calls IPv6 addresses global that stand for a private IPv4 address.
    is_unicast = ip in _IPV6_UNICAST if ip.version == 6 else not ip.is_multicast
    return ip.is_loopback or (ip.is_global and is_unicast)
