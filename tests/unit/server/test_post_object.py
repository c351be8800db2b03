"""Form signatures, stage by stage, compared with values of the official SDKs."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ossferry.errors import PolicyError
from ossferry.oss.post_object import equals, policy_text, signature, signed_fields, starts_with
from ossferry.oss.sts import StsCredentials
from support.vectors import load

AT = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
UNTIL = datetime(2026, 3, 14, 10, 26, 53, tzinfo=UTC)
VECTORS = load("post_policy")["vectors"]
ALL = [pytest.param(each, id=each["id"]) for each in VECTORS]
STS = next(each for each in VECTORS if each["id"] == "post/sts")


@pytest.mark.parametrize("vector", ALL)
def test_the_signature_is_that_of_the_sdks(vector: dict[str, Any]) -> None:
    signed = signature(
        vector["access_key_secret"],
        day=vector["datetime"][:8],
        region=vector["region"],
        policy=vector["policy_base64"],
    )

    assert signed == vector["v4_x_oss_signature"]


def test_the_policy_is_written_as_the_sdks_write_it() -> None:
    conditions = json.loads(STS["policy_json"])["conditions"]

    assert policy_text(UNTIL, conditions) == STS["policy_base64"]


def test_all_fields_are_those_of_the_sdks_in_another_order() -> None:
    credentials = StsCredentials(
        access_key_id=STS["access_key_id"],
        access_key_secret=STS["access_key_secret"],
        security_token=STS["security_token"],
        expires_at=UNTIL,
    )

    fields = dict(
        signed_fields(
            bucket="examplebucket",
            region=STS["region"],
            credentials=credentials,
            at=AT,
            fields=[("key", "user/alice/photo.jpg")],
            conditions=[starts_with("key", "user/alice/")],
        )
    )

    expected = dict(STS["form_fields_v4"])
    for name in ("policy", "x-oss-signature"):
        del expected[name], fields[name]
    assert fields == expected


def test_a_dollar_sign_means_something_else_in_a_condition() -> None:
    with pytest.raises(PolicyError):
        equals("key", "a${filename}")
    with pytest.raises(PolicyError):
        starts_with("key", "$key")
