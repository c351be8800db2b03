"""Probes of the bucket from outside: requests like those of a browser, most without a signature."""

import asyncio
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import anyio.to_thread
import httpx

from ossferry.diagnosis.findings import Finding, failed, passed, skipped, warned
from ossferry.diagnosis.policy_commands import policy_command, setup_does_it
from ossferry.diagnosis.probes import date_of, probe_skew
from ossferry.doctor.server import ADDRESS_FAULTS, Answer, Server, explain
from ossferry.errors import OssLostError
from ossferry.oss.cors_rule import EXPOSED_HEADERS, METHODS, REQUEST_HEADERS
from ossferry.oss.post_object import signed_fields, starts_with
from ossferry.oss.sts import StsCredentials
from ossferry.settings.model import Settings

SOON_DAYS = 21
"""Days before the end of a certificate from which it should be renewed."""

EXPECTED = ("AccessDenied", "NoSuchKey", "NoSuchBucket", "")
"""The codes for a request without a signature for an object that does not exist; a website that the
bucket serves has no code.
"""

FOREIGN_PAGE = "https://ossferry-doctor.invalid"
"""The origin of a page that does not exist; only CORS rules for every origin allow it."""

NO_UPLOAD = "0" * 32
"""The id of an upload that does not exist."""

SAFELISTED = ("GET", "HEAD", "POST")
"""Methods that the answer to a preflight need not name. Source: Fetch standard."""


def right_endpoint(server: Server) -> str:
    """Return the endpoint that OSS recommends instead of the configured one, or an empty text.

    The probe `endpoint` must have run before.
    """
    return next((each.endpoint for each in server.answers.values() if each.endpoint), "")


def is_public(server: Server) -> bool:
    """Return whether everybody can read the objects in the bucket.

    The probe `endpoint` has requested an object that does not exist, without a signature. OSS
    answers that the object does not exist only if the caller may read it.
    """
    return any(answer.code in ("NoSuchKey", "") for answer in server.answers.values())


async def is_writable(server: Server) -> bool:
    """Return whether everybody can write objects in the bucket.

    The function sends, without a signature, a part of a multipart upload that does not exist, so
    that OSS stores nothing. OSS answers that the upload does not exist only if the caller may
    write.

    Raises:
        OssLostError: OSS does not answer.
    """
    address = f"{server.settings.bucket_origin}/{server.key}"
    part = {"partNumber": "1", "uploadId": NO_UPLOAD}
    with _answers_needed():
        answer = await server.client.put(address, params=part)
    return _element(answer.content, b"Code") == "NoSuchUpload"


async def answer_to_large_form(
    server: Server, origin: str, credentials: StsCredentials, prefix: str
) -> str:
    """Send a signed form with a file that is too large, and return the error code of OSS.

    The form allows only an empty file, and the file has one byte, so OSS stores nothing.

    Args:
        origin: an address of the bucket.
        credentials: credentials that may upload below `prefix`.
        prefix: a key prefix, which ends in `/`.

    Returns:
        The error code; `EntityTooLarge` means that OSS accepts forms with smaller files. If the
        response has no code, the status, such as `status 405`.

    Raises:
        OssLostError: OSS does not answer.
    """
    fields = signed_fields(
        bucket=server.settings.bucket,
        region=server.settings.region,
        credentials=credentials,
        at=server.clock(),
        fields=[("key", f"{prefix}check")],
        conditions=[starts_with("key", prefix), ["content-length-range", 0, 0]],
    )
    with _answers_needed():
        answer = await server.client.post(
            f"{origin}/",
            data=dict(fields),
            files={"file": ("check", b"x")},
            headers={"origin": server.pages[0]},
        )
    return _element(answer.content, b"Code") or f"status {answer.status_code}"


async def probe_tls(server: Server) -> Finding:
    """Check that the certificates of the bucket's addresses are valid for the next weeks.

    The result is a warning if a certificate expires in less than `SOON_DAYS` days.
    """
    return await _probe_certificates(
        server, server.settings.upload_origins, "Check the name and the network of this machine"
    )


async def probe_page_tls(server: Server) -> Finding:
    """Check that the certificate of the page's address is valid for the next weeks.

    The result is a warning if it expires in less than `SOON_DAYS` days.
    """
    return await _probe_certificates(
        server, [server.settings.public_url or ""], "Start the server and its proxy"
    )


async def _probe_certificates(server: Server, addresses: Sequence[str], if_silent: str) -> Finding:
    """Check the certificates of all addresses with TLS.

    Args:
        if_silent: what to do if an address does not answer.
    """
    secure = [each for each in addresses if each.startswith("https://")]
    until: list[str] = []
    for address in secure:
        try:
            end = await anyio.to_thread.run_sync(certificate_end, address)
        except ssl.SSLCertVerificationError as error:
            return failed(
                f"Browsers refuse the certificate of {address}: {error.verify_message}.",
                "Install a valid certificate for this host name with its intermediate"
                " certificates.",
            )
        except OSError:
            return warned(
                f"{address} does not answer this machine; its certificate was not checked.",
                f"{if_silent}, or check the certificate from elsewhere.",
            )
        days = (end - server.clock()).days
        if days < SOON_DAYS:
            return warned(
                f"The certificate of {address} ends in {days} days.", "Renew the certificate."
            )
        until.append(f"{address} until {end:%Y-%m-%d}")
    return passed(f"Valid certificates: {', '.join(until) or 'none is needed'}.")


async def probe_endpoint(server: Server) -> Finding:
    """Check that every address of the bucket answers, and may be used by this account.

    The probe stores the answers in `server.answers`.
    """
    for origin in server.settings.upload_origins:
        try:
            answer = await _get(server, origin, server.pages[0])
        except httpx.HTTPError as error:
            return failed(
                f"{origin} does not answer ({str(error) or type(error).__name__}).",
                "Check the name, its DNS record and the network of this machine.",
            )
        if answer.code in ADDRESS_FAULTS:
            reason, fix = ADDRESS_FAULTS[answer.code]
            return failed(reason.format(origin), fix)
        if "x-oss-request-id" not in answer.headers:
            return failed(
                f"{origin} answers, but it is not OSS.",
                "Check the name, and proxies between this machine and OSS.",
            )
        if answer.code not in EXPECTED and not answer.endpoint:
            return failed(f"{origin} answers with the error {answer.code}.", explain(answer.code))
        server.answers[origin] = answer
    return passed(f"{', '.join(server.answers)} serves this account.")


async def probe_clock(server: Server) -> Finding:
    """Check that this machine's clock agrees with the dates in responses of OSS.

    OSS refuses signatures with a wrong time, and its clock may differ from that of STS. The probe
    `endpoint` must have run before.
    """
    return probe_skew(max((each.skew_s for each in server.answers.values()), key=abs), "OSS")


async def probe_public_endpoint(server: Server) -> Finding:
    """Report whether this account may read and write objects at the public endpoint of OSS.

    The finding is `passed` in both cases, because `probe_endpoint` has tested all addresses in the
    settings. It is `skipped` if the endpoint does not answer.
    """
    origin = public_endpoint(server.settings)
    try:
        answer = await _get(server, origin, server.pages[0])
    except httpx.HTTPError as error:
        return skipped(f"{origin} does not answer ({type(error).__name__}).")
    if answer.code == "PublicEndpointForbidden":
        return passed(f"This account needs a custom domain: it may not use {origin}.")
    return passed(f"This account may use {origin}.")


async def probe_bucket(server: Server) -> Finding:
    """Check that the bucket exists; the probe `endpoint` must have run before."""
    name = server.settings.bucket
    if any(answer.code == "NoSuchBucket" for answer in server.answers.values()):
        return failed(
            f"There is no bucket {name}.",
            "Correct OSSFERRY_BUCKET, or create the bucket with the configuration that"
            f" {policy_command('bucket')} prints. {setup_does_it()}",
        )
    return passed(f"The bucket {name} exists.")


async def probe_public_access(server: Server) -> Finding:
    """Check that requests without a signature can neither read nor write objects.

    The probe `endpoint` must have run before.
    """
    writes = ["write"] if await is_writable(server) else []
    rights = [*(["read"] if is_public(server) else []), *writes]
    if rights:
        return failed(
            f"Everybody can {' and '.join(rights)} the objects in the bucket.",
            "Turn on Block Public Access for the bucket, with the configuration that"
            f" {policy_command('public-access')} prints; it overrides public ACLs and bucket"
            f" policies. {setup_does_it('`--adopt`')}",
        )
    return passed("Strangers cannot read or write objects.")


async def probe_cors(server: Server) -> Finding:
    """Check that CORS rules allow each method that pages use, from each page that uploads.

    The pages are those in `server.pages`. The result is a warning if the rules also allow pages of
    every other origin.
    """
    tries = [
        (page, method, _is_allowed(server, origin, page, method))
        for origin in server.settings.upload_origins
        for page in (*server.pages, FOREIGN_PAGE)
        for method in METHODS
    ]
    answers = await asyncio.gather(*(allowed for _, _, allowed in tries))
    found = [(*tried[:2], allowed) for tried, allowed in zip(tries, answers, strict=True)]
    for page in server.pages:
        if refused := _methods(found, page, allowed=False):
            return failed(
                f"The bucket's CORS rules refuse {refused} to pages at {page}.", _cors_fix(server)
            )
    pages = ", ".join(server.pages)
    if allowed := _methods(found, FOREIGN_PAGE, allowed=True):
        return warned(
            f"The bucket's CORS rules allow {allowed} to pages at every origin.",
            f"Remove the origin `*` from the rules, and allow only {pages} with the rule that"
            f" {_cors_command(server)} prints.",
        )
    return passed(f"Pages at {pages} may send all methods.")


async def probe_exposed_headers(server: Server) -> Finding:
    """Check that CORS rules let each page in `server.pages` read the response headers it needs.

    The probe `endpoint` must have run before.
    """
    for origin, first in server.answers.items():
        for page in server.pages:
            answer = first if page == server.pages[0] else await _answer(server, origin, page)
            shown = _names(answer.headers.get("access-control-expose-headers", ""))
            hidden = [name for name in EXPOSED_HEADERS if name.lower() not in shown]
            if hidden and "*" not in shown:
                where = f" (upload address {origin})" if len(server.answers) > 1 else ""
                return failed(
                    f"The bucket's CORS rules hide {', '.join(hidden)} from pages at"
                    f" {page}{where}.",
                    _cors_fix(server),
                )
    return passed("Pages can read all headers that they need.")


def _cors_fix(server: Server) -> str:
    return (
        f"Make the rule that {_cors_command(server)} prints the bucket's first CORS rule,"
        " because OSS uses the first one that matches."
        f" {setup_does_it('these origins')}"
    )


def _cors_command(server: Server) -> str:
    return policy_command("cors", *(("--origin", page) for page in server.pages))


async def _answer(server: Server, origin: str, page: str) -> Answer:
    """Request an object as a page does.

    Raises:
        OssLostError: OSS does not answer.
    """
    with _answers_needed():
        return await _get(server, origin, page)


async def _get(server: Server, origin: str, page: str) -> Answer:
    answer = await server.client.get(f"{origin}/{server.key}", headers={"origin": page})
    try:
        skew_s = (server.clock() - date_of(answer)).total_seconds()
    except ValueError:
        skew_s = 0.0
    return Answer(
        code=_element(answer.content, b"Code"),
        endpoint=_element(answer.content, b"Endpoint"),
        headers=answer.headers,
        skew_s=skew_s,
    )


async def _is_allowed(server: Server, origin: str, page: str, method: str) -> bool:
    """Return whether a browser would send a request after its preflight request.

    Raises:
        OssLostError: OSS does not answer the preflight request.
    """
    asked = {
        "origin": page,
        "access-control-request-method": method,
        "access-control-request-headers": ",".join(REQUEST_HEADERS),
    }
    with _answers_needed():
        answer = await server.client.options(f"{origin}/{server.key}", headers=asked)
    allowed = answer.headers.get("access-control-allow-origin")
    methods = _names(answer.headers.get("access-control-allow-methods", ""))
    names = _names(answer.headers.get("access-control-allow-headers", ""))
    return (
        answer.is_success
        and allowed in ("*", page)
        and (method in SAFELISTED or bool({method.lower(), "*"} & methods))
        and "authorization" in names  # `*` does not include this name
        and ("*" in names or names.issuperset(REQUEST_HEADERS))
    )


@contextmanager
def _answers_needed() -> Iterator[None]:
    """Return a context in which OSS has to answer each request.

    Raises:
        OssLostError: OSS does not answer.
    """
    try:
        yield
    except httpx.HTTPError as error:
        raise OssLostError("no-answer") from error


def public_endpoint(settings: Settings) -> str:
    """Return the URL of the bucket at the region's public endpoint.

    If the settings allow a mock of OSS, return the URL of the bucket at the mock.
    """
    host = f"{settings.bucket}.oss-{settings.region}"
    return f"http://{host}.localhost" if settings.allow_mock else f"https://{host}.aliyuncs.com"


def certificate_end(address: str) -> datetime:
    """Return when the certificate of a host expires; verify the certificate as a browser does.

    Args:
        address: a URL with https.

    Raises:
        ssl.SSLCertVerificationError: the certificate is not valid for this host.
        OSError: nothing answers.
    """
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or 443
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        end = dict(secure.getpeercert() or {})["notAfter"]
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(end)), UTC)


def _methods(found: Sequence[tuple[str, str, bool]], page: str, *, allowed: bool) -> str:
    """Return the methods that some upload address allows or refuses to a page.

    Args:
        found: for each preflight request the page's origin, the method, and whether it is allowed.
    """
    return ", ".join(
        dict.fromkeys(
            method
            for origin, method, is_allowed in found
            if origin == page and is_allowed is allowed
        )
    )


def _element(document: bytes, name: bytes) -> str:
    found = re.search(rb"<%s>([^<]*)</%s>" % (name, name), document)
    return found[1].decode("utf-8", "replace") if found else ""


def _names(header: str) -> set[str]:
    return {name.strip().lower() for name in header.split(",") if name.strip()}
