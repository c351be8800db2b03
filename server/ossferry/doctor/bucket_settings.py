"""Probes of the bucket's settings, with the server's own credentials.

The server does not need the right to read a setting in order to work. If it lacks the right, the
probe of the setting is skipped.
"""

from collections.abc import Callable
from typing import TypeVar

from ossferry.diagnosis.findings import Finding, failed, passed, skipped, warned
from ossferry.diagnosis.policy_commands import policy_command, setup_does_it
from ossferry.doctor.access import Access
from ossferry.doctor.account import Account
from ossferry.doctor.outside import Outside
from ossferry.errors import OssRefusedError
from ossferry.identity.object_keys import TRASH, UPLOADS
from ossferry.oss.sdk import SdkBucket
from ossferry.settings.addresses import host_of
from ossferry.settings.model import Settings

T = TypeVar("T")


class BucketSettings:
    """Probes of the region, the lifecycle rules, Block Public Access and custom domains.

    Args:
        account: the server's account; its credentials must have been checked.
        outside: what the bucket answers to requests without a signature.
    """

    def __init__(
        self, settings: Settings, access: Access, *, account: Account, outside: Outside
    ) -> None:
        self._settings = settings
        self._has_trash = settings.objects_role_arn and settings.undo == "trash"
        self._access = access
        self._account = account
        self._outside = outside

    async def probe_region(self) -> Finding:
        """Check that the bucket is in the configured region.

        OSS names the right endpoint to everybody. The bucket's location needs a right, but even
        without the right OSS first checks the region in the signature.
        """
        region = self._settings.region
        fix = (
            "Set OSSFERRY_REGION and OSSFERRY_ENDPOINT to the bucket's region, which the OSS"
            " console shows."
        )
        if endpoint := self._outside.right_endpoint:
            return failed(f"The bucket is not in {region}; its endpoint is {endpoint}.", fix)
        try:
            found = await self._ask(lambda bucket: bucket.region())
        except OssRefusedError as error:
            if error.oss_code == "InvalidArgument":
                return failed(
                    f"OSS refuses signatures for {region}: the bucket is in another region, or"
                    " there is no such region.",
                    fix,
                )
            if error.oss_code != "AccessDenied":
                return self._access.refused(error, self._settings.bucket_origin)
            return passed(f"OSS accepts signatures for {region}.")
        if found != region:
            return failed(f"The bucket is in {found}, not in {region}.", fix)
        return passed(f"The bucket is in {region}.")

    async def probe_lifecycle(self) -> Finding:
        """Check that lifecycle rules delete parts and trash that nobody else deletes."""
        fix = (
            f"Add the lifecycle rules that {policy_command('lifecycle')} prints; otherwise"
            " abandoned parts and deleted uploads can cost money for ever."
        )
        try:
            found = await self._ask(lambda bucket: bucket.lifecycle())
        except OssRefusedError as error:
            if error.oss_code == "NoSuchLifecycle":
                return warned("The bucket has no lifecycle rule.", f"{fix} {setup_does_it()}")
            return self._unknown(error, "oss:GetBucketLifecycle")
        missing = []
        if not any(each.abort_days and each.covers(UPLOADS) for each in found):
            missing.append(f"aborts multipart uploads below {UPLOADS}")
        if self._has_trash and not any(each.delete_days and each.covers(TRASH) for each in found):
            missing.append(f"deletes old objects below {TRASH}")
        if missing:
            return warned(f"No lifecycle rule {', or '.join(missing)}.", fix)
        return passed("Lifecycle rules delete what nobody else deletes.")

    async def probe_block_public_access(self) -> Finding:
        """Check that nobody can make the bucket public by mistake."""
        try:
            blocked = await self._ask(lambda bucket: bucket.blocks_public_access())
        except OssRefusedError as error:
            return self._unknown(error, "oss:GetBucketPublicAccessBlock")
        if not blocked:
            return warned(
                "Block Public Access is off.",
                "Turn on Block Public Access for the bucket, with the configuration that"
                f" {policy_command('public-access')} prints. {setup_does_it()}",
            )
        return passed("Block Public Access is on.")

    async def probe_domains(self) -> Finding:
        """Check that the custom domains in the settings are bound to the bucket."""
        try:
            found = await self._ask(lambda bucket: bucket.domains())
        except OssRefusedError as error:
            return self._unknown(error, "oss:ListCname")
        settings = self._settings
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

    async def _ask(self, call: Callable[[SdkBucket], T]) -> T:
        bucket = self._access.bucket(self._account.own, self._settings.bucket_origin)
        return await self._access.call(bucket, call)

    def _unknown(self, error: OssRefusedError, right: str) -> Finding:
        """Return the finding for a setting that the server must not read."""
        if error.oss_code == "AccessDenied":
            return skipped(
                f"Needs the right {right}, which the server itself does not need.",
                "To run this check, give the server's identity the policy that"
                f" {policy_command('doctor', ('--bucket', self._settings.bucket))} prints.",
            )
        if error.oss_code == "NotImplemented":  # a mock
            return skipped("This OSS does not have the setting.")
        return self._access.refused(error, self._settings.bucket_origin)
