"""Probes of the cloud account: the server's credentials, and the rights of its RAM roles."""

from collections.abc import Callable, Mapping, Sequence

from ossferry.clock import monotonic
from ossferry.diagnosis import probes
from ossferry.diagnosis.findings import Finding, failed, passed, warned
from ossferry.diagnosis.policy_commands import policy_command
from ossferry.doctor import outside
from ossferry.doctor.server import Server, explain, new_prefix
from ossferry.errors import OssRefusedError, StsLostError, StsRefusedError
from ossferry.identity.object_keys import INCOMING, UPLOADS
from ossferry.observability.metrics import Metrics
from ossferry.oss.policy import objects_policy, policy_text, upload_policy
from ossferry.oss.sdk import SdkBucket
from ossferry.oss.sts import StsCredentials, find_credentials, objects_sts
from ossferry.oss.sts_guard import Breaker, GuardedSts, Pace
from ossferry.settings.choices import UPLOAD_ACTIONS
from ossferry.state.counter import Counter

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

VERSIONS_RIGHT = "oss:DeleteObjectVersion"
NOTHING_THERE = ("NoSuchKey", "NoSuchUpload", "status-404")
TOO_LARGE = "EntityTooLarge"
CONTENT = b"ossferry"
SESSION = "ossferry-doctor"


async def probe_credentials(server: Server) -> Finding:
    """Check that the server has credentials of its own, and that STS accepts them.

    The probe stores the credentials in `server.own`, and the ARN of their identity in
    `server.caller`.
    """
    try:
        name, server.own = await find_credentials(server.credentials)
    except StsLostError:
        return probes.NO_SERVER_CREDENTIALS
    source = SOURCES.get(name, name)
    try:
        server.caller = await server.sts.caller()
    except StsRefusedError as error:
        return failed(
            f"STS refuses the credentials from {source} ({error.sts_code}).",
            f"Correct {KEYS.get(name, source)}, or use a RAM role.",
        )
    whose = f"{server.caller}, from {source}"
    if not server.own.security_token:
        return warned(
            f"The server has a long-term key: {whose}.",
            "Use a RAM role of ECS or of the cluster instead.",
        )
    return passed(f"The server is {whose}.")


async def probe_role(server: Server) -> Finding:
    """Check that STS issues credentials of the role for uploads, as the server requests them."""
    settings = server.settings
    counter = Counter(settings.model_copy(update={"redis_url": None}))
    guarded = GuardedSts(
        server.sts,
        pace=Pace(counter, calls_per_s=settings.sts_calls_per_s),
        breaker=Breaker(monotonic=monotonic),
        metrics=Metrics(),
        clock=server.clock,
    )
    return await probes.probe_role(guarded, settings, caller=server.caller)


async def probe_upload(server: Server) -> Finding:
    """Check that the credentials of a grant allow multipart uploads, at each address of the bucket.

    The probe aborts its multipart upload, so that no object remains.
    """
    actions = server.settings.actions
    session = await _session(server, server.prefix, actions=(*actions, "oss:AbortMultipartUpload"))
    for origin in server.settings.upload_origins:
        bucket = server.bucket(session, origin)
        try:
            missing = await _missing_rights(server, bucket, server.key)
        except OssRefusedError as error:
            return _refused_write(server, error, origin)
        if set(missing) == set(UPLOAD_ACTIONS):
            return _without_rights(server)
        if lacking := [each for each in missing if each in (*actions, "oss:PutObject")]:
            return _lacking(server, server.settings.role_arn, lacking, "role")
        if "oss:AbortMultipartUpload" in missing:
            return warned(
                "The role cannot abort uploads; therefore no upload was tested.",
                _policy_fix(server, "role"),
            )
    return passed(f"The role {server.settings.role_arn} can upload.")


async def probe_forms(server: Server) -> Finding:
    """Check that each address of the bucket accepts a signed form (PostObject).

    The page sends small files with forms. The file of the probe is larger than the form allows, so
    OSS stores no object. If OSS refuses forms, the page uses PutObject, except with the setting
    `OSSFERRY_GRANT=form`.
    """
    session = await _session(server, server.prefix)
    for origin in server.settings.upload_origins:
        code = await outside.answer_to_large_form(server, origin, session, server.prefix)
        if code != TOO_LARGE:
            return _without_forms(server, origin, code)
    return passed("The page can send files with forms.")


async def probe_session_policy(server: Server) -> Finding:
    """Check that the credentials of a grant cannot write below a prefix other than the grant's."""
    session = await _session(server, server.prefix)
    foreign = new_prefix(UPLOADS)
    bucket = server.bucket(session, server.settings.bucket_origin)
    if await _may_write(server, bucket, f"{foreign}check"):
        return failed(
            "Credentials for one prefix can write below another one: the session policy is not"
            " enforced.",
            "Stop the server; remove bucket policies and ACLs that let everybody write.",
        )
    return passed("Credentials for one prefix cannot write below another one.")


async def probe_role_scope(server: Server) -> Finding:
    """Check that the role for uploads has no more rights than a grant needs.

    The session policy of a grant is narrower than the role. If it were missing because of an error,
    only the role would limit the credentials. If everybody has a right to the bucket, the probe
    cannot tell whether the role has it; the finding says so.
    """
    wide: list[str] = []
    unknown: list[str] = []
    if await outside.is_writable(server):
        unknown.append(f"write outside {UPLOADS}")
    elif await _role_may_write_elsewhere(server):
        wide.append(f"write outside {UPLOADS}")
    if "oss:GetObject" not in server.settings.actions:
        if outside.is_public(server):
            unknown.append("read objects")
        elif await _role_may_read(server):
            wide.append("read objects")
    if wide:
        return warned(
            f"The role {server.settings.role_arn} may also {' and '.join(wide)}.",
            _policy_fix(server, "role"),
        )
    if unknown:
        return passed(
            f"No right beyond uploads below {UPLOADS} was found; the right to"
            f" {' and '.join(unknown)} was not checked, because everybody has it."
        )
    return passed(f"The role has no rights beyond uploads below {UPLOADS}.")


async def _role_may_write_elsewhere(server: Server) -> bool:
    """Return whether the role may write outside the prefix of all uploads."""
    elsewhere = new_prefix("")
    session = await _session(server, elsewhere)
    bucket = server.bucket(session, server.settings.bucket_origin)
    return await _may_write(server, bucket, f"{elsewhere}check")


async def _role_may_read(server: Server) -> bool:
    key = server.key
    session = await _session(server, server.prefix, actions=("oss:GetObject",))
    bucket = server.bucket(session, server.settings.bucket_origin)
    return not await _denied(server, bucket, {"oss:GetObject": lambda bucket: bucket.head(key)})


async def probe_objects_role(server: Server) -> Finding:
    """Check that the server's role for stored objects can list, read, copy and delete uploads.

    If the settings have no such role, the finding is `passed`, because the role is optional.
    """
    settings = server.settings
    arn = settings.objects_role_arn
    if arn is None:
        return passed("The server has no role for objects: no receipts, lists and links.")
    sts = objects_sts(settings, server.credentials)
    versions = settings.undo == "versions"
    policy = policy_text(objects_policy(bucket=settings.bucket, versions=versions))
    try:
        session = await sts(session_name=SESSION, policy=policy)
        bucket = server.bucket(
            session, settings.objects_address, is_cname=settings.objects_by_cname
        )
        missing = await _missing_object_rights(server, bucket)
    except StsRefusedError as error:
        return probes.refused_role(error.sts_code, arn, settings, caller=server.caller)
    except OssRefusedError as error:
        return server.refused(error, settings.objects_address)
    if missing == [VERSIONS_RIGHT]:
        return failed(
            f"The role {arn} lacks the right {VERSIONS_RIGHT}.",
            f"OSSFERRY_UNDO=versions needs this right below {UPLOADS}: attach another policy"
            " with it to the role.",
        )
    if missing:
        return _lacking(server, arn, missing, "objects")
    return passed(f"The role {arn} can list, read, copy and delete uploads.")


async def _session(
    server: Server,
    prefix: str,
    *,
    actions: Sequence[str] = ("oss:PutObject", "oss:AbortMultipartUpload"),
) -> StsCredentials:
    policy = upload_policy(bucket=server.settings.bucket, prefix=prefix, actions=actions)
    return await server.sts(session_name=SESSION, policy=policy_text(policy))


async def _missing_rights(server: Server, bucket: SdkBucket, key: str) -> list[str]:
    """Return the rights that are missing for an upload in parts; upload one part and abort.

    The rights are tested first, with an upload that does not exist. If one is missing to upload
    or to abort, nothing is uploaded.

    Raises:
        OssRefusedError: OSS refuses to begin the upload, or refuses a request for another
            reason than a missing right.
    """
    missing = await _denied(
        server,
        bucket,
        {
            "oss:ListParts": lambda bucket: bucket.parts(key, outside.NO_UPLOAD, ()),
            "oss:AbortMultipartUpload": lambda bucket: bucket.abort(key, outside.NO_UPLOAD),
            "oss:PutObject": lambda bucket: bucket.put_part(key, outside.NO_UPLOAD, 1, CONTENT),
        },
    )
    if not {"oss:AbortMultipartUpload", "oss:PutObject"}.intersection(missing):
        upload_id = await server.call(bucket, lambda bucket: bucket.begin(key, {}))
        await server.call(bucket, lambda bucket: bucket.put_part(key, upload_id, 1, CONTENT))
        await server.call(bucket, lambda bucket: bucket.abort(key, upload_id))
    return missing


async def _missing_object_rights(server: Server, bucket: SdkBucket) -> list[str]:
    key = server.key
    calls: dict[str, Callable[[SdkBucket], object]] = {
        "oss:ListObjects": lambda bucket: bucket.list(server.prefix, after="", limit=1),
        "oss:ListMultipartUploads": lambda bucket: bucket.begun(server.prefix, ()),
        "oss:GetObject": lambda bucket: bucket.head(key),
        "oss:DeleteObject": lambda bucket: bucket.delete(key, ""),
    }
    if server.settings.undo == "versions":
        calls[VERSIONS_RIGHT] = lambda bucket: bucket.delete(key, "null")
    missing = await _denied(server, bucket, calls)
    return missing + await _missing_rights(server, bucket, key)


async def _denied(
    server: Server, bucket: SdkBucket, calls: Mapping[str, Callable[[SdkBucket], object]]
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
            await server.call(bucket, call)
        except OssRefusedError as error:
            if error.oss_ec in (BY_ACL, BY_DENY):
                raise
            if error.oss_code in ("AccessDenied", "status-403"):
                missing.append(right)
            elif error.oss_code not in NOTHING_THERE:
                raise
    return missing


async def _may_write(server: Server, bucket: SdkBucket, key: str) -> bool:
    """Return whether OSS accepts the beginning of an upload; abort the upload."""
    try:
        upload_id = await server.call(bucket, lambda bucket: bucket.begin(key, {}))
    except OssRefusedError as error:
        if error.oss_code != "AccessDenied":
            raise
        return False
    await server.call(bucket, lambda bucket: bucket.abort(key, upload_id))
    return True


def _without_forms(server: Server, origin: str, code: str) -> Finding:
    """Return the finding for an address that refuses forms.

    Args:
        code: the error code of OSS, or the status, see `Outside.answer_to_large_form`.
    """
    reason = f"{origin} refuses forms ({code}), so the page"
    fix = "Allow POST in front of the bucket, such as in a CDN."
    if " " not in code:
        fix += f" {explain(code)}"
    if server.settings.grant == "form":
        return failed(f"{reason} cannot upload: with OSSFERRY_GRANT=form it has only forms.", fix)
    return warned(
        f"{reason} sends small files with PutObject and needs a preflight request for each.", fix
    )


def _refused_write(server: Server, error: OssRefusedError, origin: str) -> Finding:
    """Return the finding for an upload that OSS refuses to begin."""
    if error.oss_code != "AccessDenied":
        return server.refused(error, origin)
    if error.oss_ec == BY_DENY:
        return failed(
            f"A policy denies uploads with the role {server.settings.role_arn} explicitly.",
            "Turn off the kill switch with `ossferry admin kill-switch off`, or remove the"
            " statement that denies uploads.",
        )
    if error.oss_ec == BY_ACL:
        return failed(
            f"The bucket {server.settings.bucket} belongs to another account than"
            f" {server.settings.role_arn}.",
            "Use a bucket and a role of the same account.",
        )
    return _lacking(server, server.settings.role_arn, ["oss:PutObject"], "role")


def _without_rights(server: Server) -> Finding:
    """Return the finding for a role that has no right at all for uploads to the bucket.

    OSS does not say to whom a bucket belongs if the role has no right for it.
    """
    role, bucket = server.settings.role_arn, server.settings.bucket
    if server.settings.release == "checked":
        return failed(
            f"The role {role} has no right for uploads below {INCOMING}, where"
            " OSSFERRY_RELEASE=checked holds them.",
            _policy_fix(server, "role"),
        )
    return failed(
        f"The role {role} has no right for uploads to the bucket {bucket}: its policies do not"
        " name this bucket, or the bucket belongs to another account than the role.",
        f"Correct OSSFERRY_BUCKET; if {bucket} is the right bucket and is yours, give the role"
        f" exactly the policy that {_policy_command(server, 'role')} prints.",
    )


def _lacking(server: Server, role_arn: str, rights: Sequence[str], document: str) -> Finding:
    return failed(
        f"The role {role_arn} lacks the right {', '.join(rights)}.", _policy_fix(server, document)
    )


def _policy_fix(server: Server, document: str) -> str:
    return f"Give the role exactly the policy that {_policy_command(server, document)} prints."


def _policy_command(server: Server, document: str) -> str:
    return policy_command(document, ("--bucket", server.settings.bucket))
