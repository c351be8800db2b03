"""The scope of a V4 credential: its date, region and product must match the request.

The scope is in the Authorization header, in a presigned URL or in a form. Source: vendor pages of
the error codes (EC) 0002-00000212, -213, -223, -224 and -709. The messages and EC for a wrong
region come from the vendor's tests and from recorded responses. The vendor pages of the EC -226 and
-228 contradict them: the example of each page shows the message of the other EC.
"""

from dataclasses import dataclass

from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.signing import v4


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A part of a request that can contain the V4 credential, and the errors for a wrong one.

    The parts are the Authorization header, the URL and the form. Error messages contain `name`, the
    name of the part. Error responses have `argument` in the element ArgumentName. `format_ec`,
    `date_ec` and `region_ec` are the EC (numeric error codes) for a malformed credential, a wrong
    date and a wrong region; None if the vendor documents no EC. `region_text` is the message for a
    wrong region.
    """

    name: str
    argument: str
    format_ec: str | None
    date_ec: str
    region_ec: str | None
    region_text: str


IN_HEADER = Place(
    name="Authorization header",
    argument="Authorization",
    format_ec="0002-00000213",
    date_ec="0002-00000212",
    region_ec="0002-00000226",
    region_text="Invalid signing region in Authorization header.",
)
IN_URL = Place(
    name="credential",
    argument="x-oss-credential",
    format_ec="0002-00000224",
    date_ec="0002-00000223",
    region_ec="0002-00000228",
    region_text="The signing region in credential is invalid.",
)
IN_FORM = Place(
    name="form",
    argument="x-oss-credential",
    format_ec=None,
    date_ec="0002-00000709",
    region_ec=None,
    region_text="Invalid signing region in form.",
)


def read_credential(text: str, place: Place) -> v4.Credential:
    """Parse the V4 credential of a request: `AccessKeyId/yyyymmdd/region/oss/aliyun_v4_request`.

    Args:
        text: the credential.
        place: where the request contains the credential; determines the error message and EC.

    Raises:
        RefusedError: InvalidArgument if the text has another format, or names another product.
    """
    try:
        return v4.parse_credential(text)
    except ValueError as e:
        message = f"Invalid {place.name}: {e}."
        raise invalid_argument(place.argument, text, message, ec=place.format_ec) from e


def check_scope(credential: v4.Credential, date_time: str, region: str, place: Place) -> None:
    """Check that a V4 credential contains the date of the request and the region of the bucket.

    Args:
        credential: the credential of the request.
        date_time: the time of the request, `yyyymmddTHHMMSSZ`.
        region: the region of the bucket.
        place: where the request contains the credential; determines the error message and EC.

    Raises:
        RefusedError: InvalidArgument if the date or the region differs.
    """
    if credential.date != date_time[:8]:
        message = f"Invalid signing date in {place.name}."
        raise invalid_argument(place.argument, credential.date, message, ec=place.date_ec)
    if credential.region != region:
        raise RefusedError(
            "InvalidArgument",
            place.region_text,
            ec=place.region_ec,
            ArgumentName="region",
            ArgumentValue=credential.region,
            why={"kind": "region", "bucket": region, "signed": credential.region},
        )
