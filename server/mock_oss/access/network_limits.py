"""Presigned URLs that only some clients may use: the query parameters `x-oss-ac-*`.

A URL with `x-oss-ac-subnet-mask` is valid only for clients in one network. The signature covers the
address of the network (`x-oss-ac-source-ip`), but the URL usually does not contain the address: OSS
computes the address from the address of the client. A URL with `x-oss-ac-vpc-id` is valid only for
clients in one VPC; no client of the mock is in a VPC. Source: vendor page "Add signatures to URLs",
and vendor pages of the error codes (EC) 0002-00000119, -225, -602, -603 and -604.
"""

from ipaddress import ip_address, ip_network

from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http.request import Request, whole_number

IP = "x-oss-ac-source-ip"
MASK = "x-oss-ac-subnet-mask"
VPC = "x-oss-ac-vpc-id"
FORWARD = "x-oss-ac-forward-allow"


def _network(request: Request, address: str) -> str:
    """Return the address of the network that contains an address.

    Raises:
        RefusedError: InvalidArgument if the address or the mask is not valid.
    """
    mask = request.params.get(MASK, "")
    try:
        ip = ip_address(address)
    except ValueError as e:
        raise invalid_argument(IP, address) from e
    bits = whole_number(mask or str(ip.max_prefixlen), 0, ip.max_prefixlen)
    if bits is None:
        raise invalid_argument(MASK, mask)
    return str(ip_network((ip, bits), strict=False).network_address)


def signed_query(request: Request) -> list[tuple[str, str]]:
    """Return the query that was signed, as (name, value) pairs.

    This is the query of the URL. A presigned URL with `x-oss-ac-subnet-mask` may lack
    `x-oss-ac-source-ip`, although the signer signed this parameter with the address of a network.
    Then the result also contains the parameter, computed from the client's IP address and the
    subnet mask.

    Raises:
        RefusedError: InvalidArgument if the subnet mask is not a valid number of bits.
    """
    params = request.params
    if MASK not in params or IP in params or "authorization" in request.headers:
        return request.query
    return [*request.query, (IP, _network(request, request.client_ip))]


def limit_ec(request: Request, version: str) -> str | None:
    """Return the EC (numeric error code) to report if the signature of a presigned URL is wrong.

    Args:
        request: the request.
        version: the version of the signature: `v1`, `v2` or `v4`.

    Returns:
        The EC for a URL that is limited to one network; None for any other request, whose error
        has no special EC.
    """
    params = request.params
    if MASK not in params and IP not in params:
        return None
    if version != "v1":
        return {"v2": "0002-00000119", "v4": "0002-00000225"}[version]
    return "0002-00000604" if FORWARD in params else "0002-00000602"


def check_network(request: Request, version: str) -> None:
    """Check that the client of a presigned URL is in the network that the URL names.

    A URL that names a VPC is always refused, because no client of the mock is in a VPC. A URL that
    names no network and no VPC passes the check.

    If the URL contains only a subnet mask, the mock has computed the signed network from the
    client's address; see `signed_query`. A valid signature then shows that the client is in this
    network. The caller must therefore verify the signature before.

    Args:
        request: the request.
        version: the version of the signature, which determines the EC (numeric error code): `v1`,
            `v2` or `v4`.

    Raises:
        RefusedError: SignatureDoesNotMatch for a client of another network, and for every URL that
            names a VPC. InvalidArgument if the address or the subnet mask in the URL is not valid.
    """
    params = request.params
    if VPC in params:
        raise RefusedError(
            "SignatureDoesNotMatch",
            ec="0002-00000603",
            why={"kind": "network", "vpc": params[VPC], "client": "in no VPC"},
        )
    if IP not in params:
        return
    allowed = _network(request, params[IP])
    if allowed != _network(request, request.client_ip):
        raise RefusedError(
            "SignatureDoesNotMatch",
            ec=limit_ec(request, version),
            why={"kind": "network", "allowed": allowed, "client": request.client_ip},
        )
