"""Custom domains of a bucket: ownership tokens and bindings.

The mock does not query DNS and does not check the ICP filing of a domain. PutCname requires only
that the bucket has a valid ownership token for the domain; the TXT record with the token does not
have to exist. The mock checks and shows the certificate of a domain, but serves no TLS. Sources:
vendor pages PutCname, CreateCnameToken, GetCnameToken, ListCname and DeleteCname; vendor pages of
the error codes 0018-00000115, 0018-00000401 and 0017-00000249.
"""

from email.utils import format_datetime
from typing import Any

from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http.addressing import check_domain, host_name
from mock_oss.http.documents import Node, malformed_xml
from mock_oss.http.response import Response, xml_response
from mock_oss.operations.common import gmt, iso
from mock_oss.service import Call
from mock_oss.store.records import CnameCertificate, CnameToken

MAX_BODY_BYTES = 64 << 10
MAX_DOMAINS = 100
TOKEN_LIFETIME_MS = 72 * 3_600_000


async def create_token(call: Call) -> Response:
    """Return the bucket's ownership token for the domain in the request body.

    If there is no token that is still valid, create one.
    """
    _, domain = await _cname(call)
    check_domain(domain)
    token = _valid_token(call, domain)
    if token is None:
        expires_ms = call.now_ms + TOKEN_LIFETIME_MS
        token = CnameToken(domain, call.bucket.name, call.service.ids.digits(), expires_ms)
        call.store.cnames.tokens.put(token)
    return _token_response(token)


async def get_token(call: Call) -> Response:
    """Return the bucket's ownership token for the domain in the parameter `cname`.

    Raises:
        RefusedError: NoSuchCnameToken if there is no such token, or if it has expired.
    """
    token = _valid_token(call, host_name(call.param("cname")))
    if token is None:
        # The vendor's page of GetCnameToken does not list this code: not verified.
        raise RefusedError("NoSuchCnameToken")
    return _token_response(token)


async def put_cname(call: Call) -> Response:
    """Bind a domain to the bucket, and store its certificate, if any; both are in the request body.

    If the domain is bound to this bucket already, only its certificate can change.

    Raises:
        RefusedError: CnameAlreadyExists if the domain is bound to another bucket of the same
            account, CnameDenied if the domain is bound to a bucket of another account,
            NeedVerifyDomainOwnership if a new domain has no valid ownership token for the bucket,
            CnameIsForbidden for a reserved domain, InvalidArgument for a certificate that is not
            valid PEM or does not fit its private key, NotImplemented for the id of a certificate in
            the vendor's certificate service.
    """
    element, domain = await _cname(call)
    check_domain(domain)
    change = _certificate_change(element)
    bucket = call.bucket
    holder = call.store.cnames.bound.get(domain)
    if holder not in (None, bucket.name):
        record = call.store.buckets.get(holder)
        if record is not None and record.account_id != bucket.account_id:
            raise RefusedError("CnameDenied")
        raise RefusedError("CnameAlreadyExists", CnameType="CNAME_OSS")
    if holder is None:
        if _valid_token(call, domain) is None:
            raise RefusedError("NeedVerifyDomainOwnership")
        if len(call.store.cnames.rows(bucket.name)) >= MAX_DOMAINS:
            # Both the limit and this error code are our assumption: not verified.
            raise invalid_argument("Domain", domain)
        call.store.cnames.bind(domain, bucket.name, call.now_ms)
    if change == "":
        call.store.cnames.certificates.delete(bucket.name, domain)
    elif change is not None:
        call.store.cnames.certificates.put(
            CnameCertificate(domain, bucket.name, change, call.now_ms)
        )
    return Response(200)


async def list_cnames(call: Call) -> Response:
    """Return the custom domains of the bucket; the list may be empty."""
    bucket = call.bucket
    cnames = [
        {
            "Domain": cname.domain,
            "LastModified": iso(cname.bound_ms),
            "Status": "Enabled",
            "Certificate": _certificate(call, cname.domain),
        }
        for cname in call.store.cnames.rows(bucket.name)
    ]
    return xml_response(
        "ListCnameResult", {"Bucket": bucket.name, "Owner": bucket.account_id, "Cname": cnames}
    )


async def delete_cname(call: Call) -> Response:
    """Delete the binding, the ownership token and the certificate that a domain has for the bucket.

    The request body contains the domain.

    Raises:
        RefusedError: NoSuchCname if there is nothing to delete.
    """
    _, domain = await _cname(call)
    if not call.store.cnames.delete(call.bucket.name, domain):
        raise RefusedError("NoSuchCname")
    return Response(200)


async def _cname(call: Call) -> tuple[Node, str]:
    """Return the element Cname of the request body, and its domain in lower case."""
    root = await call.read_xml("BucketCnameConfiguration", MAX_BODY_BYTES)
    element = root.one("Cname")
    domain = element.value("Domain")
    if domain is None:
        raise malformed_xml("a Cname needs a Domain")
    return element, domain.strip().lower()


def _certificate_change(cname: Node) -> str | None:
    """Return the new certificate chain; empty text to delete the certificate; None to keep it.

    Raises:
        RefusedError: see `put_cname`.
    """
    configurations = cname.all("CertificateConfiguration")
    if not configurations:
        return None
    if (configurations[0].value("DeleteCertificate") or "").lower() == "true":
        return ""
    if configurations[0].value("CertId"):
        raise RefusedError("NotImplemented", Header="CertId")
    from cryptography import x509  # takes long to import, and few requests need it
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    chain, key = (configurations[0].value(name) or "" for name in ("Certificate", "PrivateKey"))
    try:
        certificate = x509.load_pem_x509_certificate(chain.encode())
        private = load_pem_private_key(key.encode(), password=None)
        fits = certificate.public_key() == private.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as e:
        raise invalid_argument("Certificate", "") from e
    if not fits:
        raise invalid_argument("PrivateKey", "")
    return chain


def _certificate(call: Call, domain: str) -> dict[str, Any] | None:
    """Return the content of the XML element `Certificate` of a domain, or None."""
    stored = call.store.cnames.certificates.get(call.bucket.name, domain)
    if stored is None:
        return None
    from cryptography import x509  # takes long to import, and few requests need it
    from cryptography.hazmat.primitives import hashes

    certificate = x509.load_pem_x509_certificate(stored.certificate.encode())
    digest = certificate.fingerprint(hashes.SHA1())  # noqa: S303 - OSS shows this digest
    return {
        "Type": "CAS",
        "CertId": f"{certificate.serial_number}-{call.bucket.region}",
        "Status": "Enabled",
        "CreationDate": gmt(stored.put_ms),
        "Fingerprint": digest.hex(":").upper(),
        "ValidStartDate": format_datetime(certificate.not_valid_before_utc, usegmt=True),
        "ValidEndDate": format_datetime(certificate.not_valid_after_utc, usegmt=True),
    }


def _valid_token(call: Call, domain: str) -> CnameToken | None:
    token = call.store.cnames.tokens.get(call.bucket.name, domain)
    return None if token is None or token.expires_ms <= call.now_ms else token


def _token_response(token: CnameToken) -> Response:
    return xml_response(
        "CnameToken",
        {
            "Bucket": token.bucket,
            "Cname": token.domain,
            "Token": token.token,
            "ExpireTime": gmt(token.expires_ms),
        },
    )
