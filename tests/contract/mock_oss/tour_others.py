"""Calls operations that the OSS SDKs cannot call: STS (official client), preflights, forms.

The SDKs have CleanRestoredObject, but sign with the time of this machine, which is an hour before
the mock's time when a restoration has ended.
"""

from contract.mock_oss.clients import Credentials, ask, assume_role, send, sts_client
from contract.mock_oss.matrix import ADMIN, Case
from contract.mock_oss.post_forms import form, post, v1_fields, v4_fields
from mock_oss import BUCKET, BucketSpec, MockOSS
from mock_oss.world.seeding import ensure_bucket

CORS = (
    "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin>"
    "<AllowedMethod>PUT</AllowedMethod></CORSRule></CORSConfiguration>"
)


def tour(oss: MockOSS, case: Case, credentials: Credentials) -> None:
    """Call every operation once; the two signature styles of STS correspond to V4 and V1."""
    sts = sts_client(oss, None if case.version == "v4" else "v2", credentials=credentials)
    assert assume_role(sts, role_arn=ADMIN.arn)[2]
    assert sts.get_caller_identity().body.account_id

    ensure_bucket(oss.store, BucketSpec(name=BUCKET, cors=CORS), oss.clock)
    host = f"{BUCKET}.localhost:{oss.port}" if case.style == "virtual" else f"127.0.0.1:{oss.port}"
    target = "/a" if case.style == "virtual" else f"/{BUCKET}/a"
    asked = {"Origin": "http://x", "Access-Control-Request-Method": "PUT", "Host": host}
    assert send(oss, "OPTIONS", target, headers=asked).status == 200

    fields = v4_fields(oss, []) if case.version == "v4" else v1_fields(oss, [])
    assert post(oss, form({"key": "a", **fields})).status == 204
    if case.version == "v4":
        _clean(oss)


def _clean(oss: MockOSS) -> None:
    """Restore an archived object, and end the restoration."""
    cold = {"x-oss-storage-class": "ColdArchive"}
    assert ask(oss, "PUT", "cold", headers=cold, body=b"hello").status == 200
    assert ask(oss, "POST", "cold", query={"restore": ""}, body=b"").status == 202
    oss.clock.advance(5 * 3600)
    assert ask(oss, "POST", "cold", query={"cleanRestoredObject": ""}, body=b"").status == 200
