"""Probes of the cloud account: the server's credentials, and the rights of its RAM roles."""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from ossferry.diagnosis.findings import Finding, failed, passed, warned
from ossferry.diagnosis.policy_commands import policy_command
from ossferry.diagnosis.probes import NO_SERVER_CREDENTIALS, probe_role, refused_role
from ossferry.doctor.access import Access, explain
from ossferry.doctor.outside import Outside
from ossferry.errors import OssRefusedError, StsLostError, StsRefusedError
from ossferry.identity.object_keys import UPLOADS
from ossferry.oss.policy import objects_policy, policy_text, upload_policy
from ossferry.oss.sdk import SdkBucket
from ossferry.oss.sts import StsClient, StsCredentials
from ossferry.oss.sts_guard import GuardedSts
from ossferry.settings.choices import UPLOAD_ACTIONS
from ossferry.settings.model import Settings

SOURCES = {
    "env": "environment variables",
    "oidc_role_arn": "OIDC (RRSA)",
    "cli_profile": "the profile in ~/.aliyun/config.json",
    "profile": "the profile file",
    "ecs_ram_role": "the RAM role of the ECS instance",
    "credential_uri": "ALIBABA_CLOUD_CREDENTIALS_URI",
}
"""The names of the sources in the vendor's default chain, in plain words."""

KEYS = {"env": "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"}
"""What to correct if STS refuses the credentials of a source; by default the source itself."""

BY_ACL = "0003-00000001"
"""OSS's detailed code for a request that the policies do not refuse, but the bucket's ACL."""

BY_DENY = "0003-00000201"
"""OSS's detailed code for a request that a policy denies explicitly."""

NO_UPLOAD = "0" * 32
"""The id of an upload that does not exist."""

VERSIONS_RIGHT = "oss:DeleteObjectVersion"
NOTHING_THERE = ("NoSuchKey", "NoSuchUpload", "status-404")
TOO_LARGE = "EntityTooLarge"
CONTENT = b"ossferry"
SESSION = "ossferry-doctor"
NO_CREDENTIALS = StsCredentials(
    access_key_id="",
    access_key_secret="",
    security_token="",
    expires_at=datetime.max.replace(tzinfo=UTC),
)
"""In place of the server's own credentials, until `probe_credentials` has found them."""

FindCredentials: TypeAlias = Callable[[], Awaitable[tuple[str, StsCredentials]]]


class Account:
    """Probes with the server's own credentials and those of its roles.

    Args:
        find: returns the name of the source of the server's own credentials, and the credentials.
        sts: client of STS for the role for uploads.
        outside: what the bucket answers to requests without a signature.
        guarded: another client for this role, with the protection that the server uses.
        objects_sts: client of STS for the role for objects; None without this role.

    Attributes:
        own: the server's own credentials, after `probe_credentials`.
    """

    def __init__(
        self,
        settings: Settings,
        access: Access,
        outside: Outside,
        *,
        find: FindCredentials,
        sts: StsClient,
        guarded: GuardedSts,
        objects_sts: StsClient | None,
    ) -> None:
        self._settings = settings
        self._access = access
        self._outside = outside
        self._find = find
        self._sts = sts
        self._guarded = guarded
        self._objects_sts = objects_sts
        self._caller = "the server's identity"
        self.own = NO_CREDENTIALS
        self._prefix = f"{UPLOADS}doctor-{secrets.token_hex(8)}/"

    @property
    def secrets(self) -> Sequence[str]:
        """The secrets of the server's own credentials, which no text may contain."""
        return self.own.access_key_secret, self.own.security_token

    async def probe_credentials(self) -> Finding:
        """Check that the server finds credentials of its own, and that STS accepts them."""
        try:
            name, self.own = await self._find()
        except StsLostError:
            return NO_SERVER_CREDENTIALS
        source = SOURCES.get(name, name)
        try:
            self._caller = await self._sts.caller()
        except StsRefusedError as error:
            return failed(
                f"STS refuses the credentials from {source} ({error.sts_code}).",
                f"Correct {KEYS.get(name, source)}, or use a RAM role.",
            )
        whose = f"{self._caller}, from {source}"
        if not self.own.security_token:
            return warned(
                f"The server has a long-term key: {whose}.",
                "Use a RAM role of ECS or of the cluster instead.",
            )
        return passed(f"The server is {whose}.")

    async def probe_role(self) -> Finding:
        """Check that STS issues credentials of the role for uploads."""
        return await probe_role(self._guarded, self._settings, caller=self._caller)

    async def probe_upload(self) -> Finding:
        """Check that the credentials of a grant can upload in parts, at each address.

        The upload is aborted, so that no object remains.
        """
        actions = self._settings.actions
        session = await self._session(self._prefix, actions=(*actions, "oss:AbortMultipartUpload"))
        for origin in self._settings.upload_origins:
            bucket = self._access.bucket(session, origin)
            try:
                missing = await self._missing_rights(bucket, f"{self._prefix}check")
            except OssRefusedError as error:
                return self._refused_write(error, origin)
            if set(missing) == set(UPLOAD_ACTIONS):
                return self._without_rights()
            if lacking := [each for each in missing if each in (*actions, "oss:PutObject")]:
                return self._lacking(self._settings.role_arn, lacking, "role")
            if "oss:AbortMultipartUpload" in missing:
                return warned(
                    "The role cannot abort uploads; therefore no upload was tested.",
                    self._policy_fix("role"),
                )
        return passed(f"The role {self._settings.role_arn} can upload.")

    async def probe_forms(self) -> Finding:
        """Check that each address takes a form (PostObject), with which the page sends small files.

        The file is larger than the form allows, so that no object is stored. If OSS refuses forms,
        the page uses PutObject; with `OSSFERRY_GRANT=form` it cannot.
        """
        session = await self._session(self._prefix)
        for origin in self._settings.upload_origins:
            code = await self._outside.answer_to_large_form(origin, session, self._prefix)
            if code != TOO_LARGE:
                return self._without_forms(origin, code)
        return passed("The page can send files with forms.")

    async def probe_session_policy(self) -> Finding:
        """Check that the credentials of a grant cannot write below another prefix."""
        session = await self._session(self._prefix)
        foreign = f"{UPLOADS}doctor-{secrets.token_hex(8)}/"
        bucket = self._access.bucket(session, self._settings.bucket_origin)
        if await self._may_write(bucket, f"{foreign}check"):
            return failed(
                "Credentials for one prefix can write below another one: the session policy is not"
                " enforced.",
                "Stop the server; remove bucket policies and ACLs that let everybody write.",
            )
        return passed("Credentials for one prefix cannot write below another one.")

    async def probe_role_scope(self) -> Finding:
        """Check that the role for uploads has no more rights than a grant needs.

        If a session policy were ever missing, the role's own rights would be the last limit. A
        right that everybody has cannot be tested.
        """
        wide: list[str] = []
        unknown: list[str] = []
        if await self._outside.is_writable():
            unknown.append(f"write outside {UPLOADS}")
        elif await self._role_may_write_elsewhere():
            wide.append(f"write outside {UPLOADS}")
        if "oss:GetObject" not in self._settings.actions:
            if self._outside.is_public:
                unknown.append("read objects")
            elif await self._role_may_read():
                wide.append("read objects")
        if wide:
            return warned(
                f"The role {self._settings.role_arn} may also {' and '.join(wide)}.",
                self._policy_fix("role"),
            )
        if unknown:
            return passed(
                f"No right beyond uploads below {UPLOADS} was found; the right to"
                f" {' and '.join(unknown)} was not checked, because everybody has it."
            )
        return passed(f"The role has no rights beyond uploads below {UPLOADS}.")

    async def _role_may_write_elsewhere(self) -> bool:
        """Return whether the role may write outside the prefix of all uploads."""
        elsewhere = f"doctor-{secrets.token_hex(8)}/"
        session = await self._session(elsewhere)
        bucket = self._access.bucket(session, self._settings.bucket_origin)
        return await self._may_write(bucket, f"{elsewhere}check")

    async def _role_may_read(self) -> bool:
        key = f"{self._prefix}check"
        session = await self._session(self._prefix, actions=("oss:GetObject",))
        bucket = self._access.bucket(session, self._settings.bucket_origin)
        return not await self._denied(bucket, {"oss:GetObject": lambda bucket: bucket.head(key)})

    async def probe_objects_role(self) -> Finding:
        """Check the server's own role for uploads: receipts, lists, links and deletions."""
        settings = self._settings
        arn = settings.objects_role_arn
        if arn is None or self._objects_sts is None:
            return passed("The server has no role for objects: no receipts, lists and links.")
        versions = settings.undo == "versions"
        policy = policy_text(objects_policy(bucket=settings.bucket, versions=versions))
        try:
            session = await self._objects_sts(session_name=SESSION, policy=policy)
            missing = await self._missing_object_rights(self._access.servers_bucket(session))
        except StsRefusedError as error:
            return refused_role(error.sts_code, arn, settings, caller=self._caller)
        except OssRefusedError as error:
            return self._access.refused(error, settings.objects_address)
        if missing == [VERSIONS_RIGHT]:
            return failed(
                f"The role {arn} lacks the right {VERSIONS_RIGHT}.",
                f"OSSFERRY_UNDO=versions needs this right below {UPLOADS}: attach another policy"
                " with it to the role.",
            )
        if missing:
            return self._lacking(arn, missing, "objects")
        return passed(f"The role {arn} can list, read, copy and delete uploads.")

    async def _session(
        self, prefix: str, *, actions: Sequence[str] = ("oss:PutObject", "oss:AbortMultipartUpload")
    ) -> StsCredentials:
        policy = upload_policy(bucket=self._settings.bucket, prefix=prefix, actions=actions)
        return await self._sts(session_name=SESSION, policy=policy_text(policy))

    async def _missing_rights(self, bucket: SdkBucket, key: str) -> list[str]:
        """Return the rights that are missing for an upload in parts; upload one part and abort.

        The rights are tested first, with an upload that does not exist. If one is missing to upload
        or to abort, nothing is uploaded.

        Raises:
            OssRefusedError: OSS refuses to begin the upload, or refuses a request for another
                reason than a missing right.
        """
        missing = await self._denied(
            bucket,
            {
                "oss:ListParts": lambda bucket: bucket.parts(key, NO_UPLOAD, ()),
                "oss:AbortMultipartUpload": lambda bucket: bucket.abort(key, NO_UPLOAD),
                "oss:PutObject": lambda bucket: bucket.put_part(key, NO_UPLOAD, 1, CONTENT),
            },
        )
        if not {"oss:AbortMultipartUpload", "oss:PutObject"}.intersection(missing):
            upload_id = await self._access.call(bucket, lambda bucket: bucket.begin(key, {}))
            await self._access.call(
                bucket, lambda bucket: bucket.put_part(key, upload_id, 1, CONTENT)
            )
            await self._access.call(bucket, lambda bucket: bucket.abort(key, upload_id))
        return missing

    async def _missing_object_rights(self, bucket: SdkBucket) -> list[str]:
        key = f"{self._prefix}check"
        calls: dict[str, Callable[[SdkBucket], object]] = {
            "oss:ListObjects": lambda bucket: bucket.list(self._prefix, after="", limit=1),
            "oss:ListMultipartUploads": lambda bucket: bucket.begun(self._prefix, ()),
            "oss:GetObject": lambda bucket: bucket.head(key),
            "oss:DeleteObject": lambda bucket: bucket.delete(key, ""),
        }
        if self._settings.undo == "versions":
            calls[VERSIONS_RIGHT] = lambda bucket: bucket.delete(key, "null")
        missing = await self._denied(bucket, calls)
        return missing + await self._missing_rights(bucket, key)

    async def _denied(
        self, bucket: SdkBucket, calls: Mapping[str, Callable[[SdkBucket], object]]
    ) -> list[str]:
        """Run a call for each right, and return the rights that OSS misses.

        OSS checks rights first, so the answer that nothing is there proves the right. An answer to
        HEAD has no body, and possibly no code.

        Raises:
            OssRefusedError: OSS refuses a call for another reason than a missing right, for example
                because of the bucket's ACL or an explicit deny.
        """
        missing = []
        for right, call in calls.items():
            try:
                await self._access.call(bucket, call)
            except OssRefusedError as error:
                if error.oss_ec in (BY_ACL, BY_DENY):
                    raise
                if error.oss_code in ("AccessDenied", "status-403"):
                    missing.append(right)
                elif error.oss_code not in NOTHING_THERE:
                    raise
        return missing

    async def _may_write(self, bucket: SdkBucket, key: str) -> bool:
        """Return whether OSS accepts the beginning of an upload; abort the upload."""
        try:
            upload_id = await self._access.call(bucket, lambda bucket: bucket.begin(key, {}))
        except OssRefusedError as error:
            if error.oss_code != "AccessDenied":
                raise
            return False
        await self._access.call(bucket, lambda bucket: bucket.abort(key, upload_id))
        return True

    def _without_forms(self, origin: str, code: str) -> Finding:
        """Return the finding for an address that refuses forms.

        Args:
            code: the error code of OSS, or the status, see `Outside.answer_to_large_form`.
        """
        reason = f"{origin} refuses forms ({code}), so the page"
        fix = "Allow POST in front of the bucket, such as in a CDN."
        if " " not in code:
            fix += f" {explain(code)}"
        if self._settings.grant == "form":
            return failed(
                f"{reason} cannot upload: with OSSFERRY_GRANT=form it has only forms.", fix
            )
        return warned(
            f"{reason} sends small files with PutObject and needs a preflight request for each.",
            fix,
        )

    def _refused_write(self, error: OssRefusedError, origin: str) -> Finding:
        """Return the finding for an upload that OSS refuses to begin."""
        if error.oss_code != "AccessDenied":
            return self._access.refused(error, origin)
        if error.oss_ec == BY_DENY:
            return failed(
                f"A policy denies uploads with the role {self._settings.role_arn} explicitly.",
                "Turn off the kill switch with `ossferry admin kill-switch off`, or remove the"
                " statement that denies uploads.",
            )
        if error.oss_ec == BY_ACL:
            return failed(
                f"The bucket {self._settings.bucket} belongs to another account than"
                f" {self._settings.role_arn}.",
                "Use a bucket and a role of the same account.",
            )
        return self._lacking(self._settings.role_arn, ["oss:PutObject"], "role")

    def _without_rights(self) -> Finding:
        """Return the finding for a role that has no right at all for uploads to the bucket.

        OSS does not say to whom a bucket belongs if the role has no right for it.
        """
        role, bucket = self._settings.role_arn, self._settings.bucket
        return failed(
            f"The role {role} has no right for uploads to the bucket {bucket}: its policies do not"
            " name this bucket, or the bucket belongs to another account than the role.",
            f"Correct OSSFERRY_BUCKET; if {bucket} is the right bucket and is yours, give the role"
            f" exactly the policy that {self._policy_command('role')} prints.",
        )

    def _lacking(self, role_arn: str, rights: Sequence[str], document: str) -> Finding:
        return failed(
            f"The role {role_arn} lacks the right {', '.join(rights)}.", self._policy_fix(document)
        )

    def _policy_fix(self, document: str) -> str:
        return f"Give the role exactly the policy that {self._policy_command(document)} prints."

    def _policy_command(self, document: str) -> str:
        return policy_command(document, ("--bucket", self._settings.bucket))
