"""The result of a set-up: settings for the server, and tasks that only a person can do."""

from urllib.parse import urlsplit

from ossferry.settings.addresses import is_loopback
from ossferry.setup.wanted import Wanted


def settings_of(wanted: Wanted, mock: str = "") -> dict[str, str]:
    """Return environment variables for a server that uses the resources of the set-up.

    Args:
        mock: URL of the mock that is used instead of the cloud; empty without a mock.

    Returns:
        A mapping from names, such as `OSSFERRY_BUCKET`, to values.
    """
    host = urlsplit(wanted.origins[0]).hostname or ""
    return {
        "OSSFERRY_BUCKET": wanted.bucket,
        "OSSFERRY_REGION": wanted.region,
        "OSSFERRY_ROLE_ARN": wanted.role_arn,
        "OSSFERRY_OBJECTS_ROLE_ARN": wanted.objects_role_arn,
        **(_mock_addresses(wanted, mock) if mock else _addresses(wanted)),
        "OSSFERRY_PUBLIC_URL": wanted.origins[0],
        "OSSFERRY_ALLOWED_HOSTS": f'["{host}"]',
    }


def _addresses(wanted: Wanted) -> dict[str, str]:
    """Return the addresses of OSS; a machine outside Alibaba Cloud has no internal endpoint."""
    if not wanted.domain:
        return {"OSSFERRY_ENDPOINT": f"https://oss-{wanted.region}.aliyuncs.com"}
    found = {"OSSFERRY_ENDPOINT": f"https://{wanted.domain}", "OSSFERRY_CNAME": "1"}
    if wanted.identity != "user":
        internal = f"https://oss-{wanted.region}-internal.aliyuncs.com"
        found["OSSFERRY_OBJECTS_ENDPOINT"] = internal
    return found


def _mock_addresses(wanted: Wanted, mock: str) -> dict[str, str]:
    """Return the addresses of a mock; browsers reach the bucket below `localhost`."""
    url = urlsplit(mock)
    port = "" if url.port is None else f":{url.port}"
    return {
        "OSSFERRY_ENDPOINT": f"{url.scheme}://{wanted.domain or 'localhost'}{port}",
        **({"OSSFERRY_CNAME": "1"} if wanted.domain else {}),
        "OSSFERRY_OBJECTS_ENDPOINT": mock,
        "OSSFERRY_STS_ENDPOINT": mock,
        "OSSFERRY_ALLOW_MOCK": "1",
    }


def todo(wanted: Wanted) -> list[str]:
    """Return the tasks that a person must do after the set-up, as sentences; may be empty."""
    found = []
    if wanted.domain and wanted.plain_http and not is_loopback(wanted.domain):
        found.append(
            f"{wanted.domain} does not lead to the mock: in a rehearsal, give --domain a name below"
            " localhost, such as files.localhost."
        )
    if wanted.domain:
        target = f"{wanted.bucket}.oss-{wanted.region}.aliyuncs.com."
        found.append(f"add this record to the DNS zone: {wanted.domain}. CNAME {target}")
        if not wanted.certificate:
            found.append(
                f"give {wanted.domain} a certificate: run the command again with --certificate and"
                " --private-key, or use the OSS console."
            )
    if wanted.identity == "ecs":
        found.append(
            f"attach the RAM role {wanted.server} to the ECS instance of the server, in the ECS"
            " console or with `aliyun ecs AttachInstanceRamRole`."
        )
    return found
