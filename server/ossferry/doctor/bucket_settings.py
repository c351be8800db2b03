"""Probes of the bucket's settings, with the server's own credentials.

The server does not need the right to read a setting in order to work. If it lacks the right, the
probe of the setting is skipped.
"""

from collections.abc import Callable
from typing import TypeVar

from ossferry.diagnosis.findings import Finding, failed, passed, skipped, warned
from ossferry.diagnosis.policy_commands import policy_command, setup_does_it
from ossferry.doctor.outside import right_endpoint
from ossferry.doctor.server import Server
from ossferry.errors import OssRefusedError
from ossferry.identity.object_keys import INCOMING, TRASH, UPLOADS
from ossferry.oss.sdk import SdkBucket
from ossferry.settings.addresses import host_of

T = TypeVar("T")


async def probe_region(server: Server) -> Finding:
    """Check that the bucket is in the configured region.

    If the server lacks the right to read the location of the bucket, the error code of this request
    decides: OSS checks the region in the signature before the rights. `InvalidArgument` means
    another region, and `AccessDenied` means that the region is correct.
    """
    region = server.settings.region
    fix = (
        "Set OSSFERRY_REGION and OSSFERRY_ENDPOINT to the bucket's region, which the OSS"
        " console shows."
    )
    if endpoint := right_endpoint(server):
        return failed(f"The bucket is not in {region}; its endpoint is {endpoint}.", fix)
    try:
        found = await _ask(server, lambda bucket: bucket.region())
    except OssRefusedError as error:
        if error.oss_code == "InvalidArgument":
            return failed(
                f"OSS refuses signatures for {region}: the bucket is in another region, or"
                " there is no such region.",
                fix,
            )
        if error.oss_code != "AccessDenied":
            return server.refused(error, server.settings.bucket_origin)
        return passed(f"OSS accepts signatures for {region}.")
    if found != region:
        return failed(f"The bucket is in {found}, not in {region}.", fix)
    return passed(f"The bucket is in {region}.")


async def probe_lifecycle(server: Server) -> Finding:
    """Check that lifecycle rules delete the parts of abandoned uploads, and old deleted uploads.

    Deleted uploads are checked only with `OSSFERRY_UNDO=trash`; the server then keeps them below
    `trash/`.
    """
    fix = (
        f"Add the lifecycle rules that {policy_command('lifecycle')} prints; otherwise"
        " abandoned parts and deleted uploads can cost money for ever."
    )
    try:
        found = await _ask(server, lambda bucket: bucket.lifecycle())
    except OssRefusedError as error:
        if error.oss_code == "NoSuchLifecycle":
            return warned("The bucket has no lifecycle rule.", f"{fix} {setup_does_it()}")
        return _unknown(server, error, "oss:GetBucketLifecycle")
    missing = []
    for place in (UPLOADS, *([INCOMING] if server.settings.release == "checked" else [])):
        if not any(each.abort_days and each.covers(place) for each in found):
            missing.append(f"aborts multipart uploads below {place}")
    has_trash = server.settings.objects_role_arn and server.settings.undo == "trash"
    if has_trash and not any(each.delete_days and each.covers(TRASH) for each in found):
        missing.append(f"deletes old objects below {TRASH}")
    if missing:
        return warned(f"No lifecycle rule {', or '.join(missing)}.", fix)
    return passed("Lifecycle rules delete what nobody else deletes.")


async def probe_block_public_access(server: Server) -> Finding:
    """Check that Block Public Access is on, so that the bucket cannot become public."""
    try:
        blocked = await _ask(server, lambda bucket: bucket.blocks_public_access())
    except OssRefusedError as error:
        return _unknown(server, error, "oss:GetBucketPublicAccessBlock")
    if not blocked:
        return warned(
            "Block Public Access is off.",
            "Turn on Block Public Access for the bucket, with the configuration that"
            f" {policy_command('public-access')} prints. {setup_does_it()}",
        )
    return passed("Block Public Access is on.")


async def probe_domains(server: Server) -> Finding:
    """Check that the custom domains in the settings are bound to the bucket."""
    try:
        found = await _ask(server, lambda bucket: bucket.domains())
    except OssRefusedError as error:
        return _unknown(server, error, "oss:ListCname")
    settings = server.settings
    used = dict.fromkeys((*settings.upload_origins, settings.links_address))
    wanted = [host_of(each) for each in used if not settings.is_endpoint(each)]
    bound = {each.name for each in found if each.is_enabled}
    if missing := [name for name in wanted if name not in bound]:
        return failed(
            f"The custom domain {missing[0]} is not bound to the bucket {settings.bucket}.",
            "Bind the domain to this bucket; docs/custom-domain.md has the steps.",
        )
    shown = [
        f"{each.name} ({'certificate until ' + each.certificate_ends})"
        if each.certificate_ends
        else f"{each.name} (no certificate)"
        for each in found
    ]
    return passed(f"Custom domains of the bucket: {', '.join(shown) or 'none'}.")


async def _ask(server: Server, call: Callable[[SdkBucket], T]) -> T:
    bucket = server.bucket(server.own, server.settings.bucket_origin)
    return await server.call(bucket, call)


def _unknown(server: Server, error: OssRefusedError, right: str) -> Finding:
    """Return the finding for a setting that the server must not read."""
    if error.oss_code == "AccessDenied":
        return skipped(
            f"Needs the right {right}, which the server itself does not need.",
            "To run this check, give the server's identity the policy that"
            f" {policy_command('doctor', ('--bucket', server.settings.bucket))} prints.",
        )
    if error.oss_code == "NotImplemented":  # a mock
        return skipped("This OSS does not have the setting.")
    return server.refused(error, server.settings.bucket_origin)
