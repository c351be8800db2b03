"""The scope of a V4 credential, and the refusals of another date, region or format."""

from typing import Any

import pytest

from mock_oss.access.credentials import (
    IN_FORM,
    IN_HEADER,
    IN_URL,
    Place,
    check_scope,
    read_credential,
)
from mock_oss.signing.v4 import Credential
from support.refusals import refusal

CREDENTIAL = Credential("LTAIalice", "20260314", "cn-hangzhou")
DATE_TIME = "20260314T092653Z"
DEFAULT_EC = "0002-00000229"


def invalid(message: str, ec: str, name: str, value: str, **why: str) -> dict[str, Any]:
    return {
        "status": 400,
        "Code": "InvalidArgument",
        "Message": message,
        "EC": ec,
        "ArgumentName": name,
        "ArgumentValue": value,
        "why": why,
    }


@pytest.mark.parametrize(
    ("place", "name", "argument", "ecs", "wrong_region"),
    [
        # the EC of another format, date and region
        (
            IN_HEADER,
            "Authorization header",
            "Authorization",
            ("0002-00000213", "0002-00000212", "0002-00000226"),
            "Invalid signing region in Authorization header.",
        ),
        (
            IN_URL,
            "credential",
            "x-oss-credential",
            ("0002-00000224", "0002-00000223", "0002-00000228"),
            "The signing region in credential is invalid.",
        ),
        (
            IN_FORM,
            "form",
            "x-oss-credential",
            (DEFAULT_EC, "0002-00000709", DEFAULT_EC),
            "Invalid signing region in form.",
        ),
    ],
    ids=["header", "url", "form"],
)
def test_a_refused_scope_is_named_with_its_place(
    place: Place, name: str, argument: str, ecs: tuple[str, str, str], wrong_region: str
) -> None:
    format_ec, date_ec, region_ec = ecs
    text = "LTAIalice/20260314/cn-hangzhou/sts/aliyun_v4_request"
    reason = "the credential is not AccessKeyId/date/region/oss/aliyun_v4_request"

    assert refusal(read_credential, text, place) == invalid(
        f"Invalid {name}: {reason}.", format_ec, argument, text
    )
    assert refusal(check_scope, CREDENTIAL, "20260315T000000Z", "cn-hangzhou", place) == invalid(
        f"Invalid signing date in {name}.", date_ec, argument, "20260314"
    )
    assert refusal(check_scope, CREDENTIAL, DATE_TIME, "cn-beijing", place) == invalid(
        wrong_region,
        region_ec,
        "region",
        "cn-hangzhou",
        kind="region",
        bucket="cn-beijing",
        signed="cn-hangzhou",
    )


@pytest.mark.parametrize("place", [IN_HEADER, IN_URL, IN_FORM], ids=["header", "url", "form"])
def test_the_scope_of_the_request_is_accepted(place: Place) -> None:
    credential = read_credential("LTAIalice/20260314/cn-hangzhou/oss/aliyun_v4_request", place)

    assert credential == CREDENTIAL
    check_scope(credential, DATE_TIME, "cn-hangzhou", place)
