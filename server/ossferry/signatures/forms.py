"""Reads a form (PostObject) with a V4 signature: its saved fields, or the request that sent it.

Source: OSS API reference, PostObject and "POST V4 signature".
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ossferry.errors import BadRequestError
from ossferry.oss import post_object
from ossferry.signatures.requests import FormField, HttpRequest, read_request
from ossferry.signatures.signed import object_of, read_credential

__all__ = ["FILE", "TOKEN_FIELD", "SignedForm", "read_form"]

FILE = "file"
TOKEN_FIELD = "x-oss-security-token"  # noqa: S105 - the name of a field
SIGNING = ("policy", "x-oss-signature-version", "x-oss-credential", "x-oss-date", "x-oss-signature")
SAVED = (
    "the saved form cannot be read; give a JSON object with a text for each field, or the answer of"
    " POST /api/form."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedForm:
    """A form with a V4 signature.

    Attributes:
        bucket: empty if neither an address nor an option names it.
        endpoint_region: the region in the address; empty if there is none.
        fields: values by lower-case name, up to the file.
        ignored: names of the fields after the file, which OSS ignores.
        access_key_id, day, region: parts of the field ``x-oss-credential``.
    """

    bucket: str
    endpoint_region: str
    fields: Mapping[str, str]
    ignored: tuple[str, ...]
    access_key_id: str
    day: str
    region: str

    @property
    def policy(self) -> str:
        """The field ``policy``, which is also the string to sign."""
        return self.fields["policy"]

    @property
    def date(self) -> str:
        """The field ``x-oss-date``."""
        return self.fields["x-oss-date"]

    @property
    def provided(self) -> str:
        """The signature in the form."""
        return self.fields["x-oss-signature"]

    def signature(self, secret: str, *, policy: str = "", region: str = "") -> str:
        """Return the signature that a client with this secret computes.

        Args:
            policy: a text to sign in place of the form's policy.
            region: a region in place of the one in the credential.
        """
        return post_object.signature(
            secret, day=self.day, region=region or self.region, policy=policy or self.policy
        )


def read_form(text: str, *, bucket: str = "") -> SignedForm | None:
    """Return the signed form in a text: JSON, or a request with a body (multipart/form-data).

    Args:
        bucket: name of the bucket, if the address does not name it.

    Returns:
        The form; None if the text is a request without the body of a form.

    Raises:
        BadRequestError: the text cannot be read, or the form has no V4 signature.
    """
    if text.lstrip().startswith("{"):
        pairs, url = _saved(text)
        return _signed(pairs, read_request(url) if url else None, bucket)
    request = read_request(text)
    return _signed(request.form, request, bucket) if request.form else None


def _saved(text: str) -> tuple[list[FormField], str]:
    """Return the fields and the address in JSON."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadRequestError(SAVED) from error
    url, fields = "", found
    if isinstance(found.get("fields"), list | dict):
        url, fields = found.get("url", ""), found["fields"]
    items = fields.items() if isinstance(fields, dict) else fields
    pairs = []
    for item in items:
        match tuple(item) if isinstance(item, list | tuple) else ():
            case (str(name), str(value)):
                pairs.append((name.lower(), value))
            case _:
                raise BadRequestError(SAVED)
    if not pairs or not isinstance(url, str):
        raise BadRequestError(SAVED)
    return pairs, url


def _signed(pairs: Iterable[FormField], request: HttpRequest | None, bucket: str) -> SignedForm:
    fields: dict[str, str] = {}
    ignored: list[str] = []
    for name, value in pairs:
        if FILE in fields:
            ignored.append(name)
        else:
            fields.setdefault(name, value)
    if missing := [name for name in SIGNING if not fields.get(name)]:
        raise BadRequestError(
            f"the form has no V4 signature of OSS: the field {missing[0]} is missing before the"
            " file; copy all fields."
        )
    access_key_id, day, region = read_credential(fields["x-oss-credential"])
    if not re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", fields["x-oss-date"]):
        raise BadRequestError("the field x-oss-date is not like 20260314T092653Z.")
    endpoint_region = ""
    if request is not None:
        bucket, _, endpoint_region = object_of(request, bucket)
    return SignedForm(
        bucket=bucket,
        endpoint_region=endpoint_region,
        fields=fields,
        ignored=tuple(ignored),
        access_key_id=access_key_id,
        day=day,
        region=region,
    )
