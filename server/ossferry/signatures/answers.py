"""Reads the error document in which OSS describes the request that it refused."""

from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # has no types
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]  # the same

from ossferry.errors import BadRequestError

__all__ = ["OssAnswer", "read_answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OssAnswer:
    """An error of OSS; texts that OSS did not send are empty.

    Attributes:
        request_time, server_time: times of the request and of OSS, for a wrong clock; None if OSS
            did not send them.
    """

    code: str
    message: str
    request_id: str
    canonical_request: str
    string_to_sign: str
    request_time: datetime | None
    server_time: datetime | None


def read_answer(text: str) -> OssAnswer:
    """Return the error in an answer of OSS; text before the XML, such as headers, is ignored.

    Raises:
        BadRequestError: the text has no error document of OSS.
    """
    document = text[text.find("<") :].strip() if "<" in text else ""
    try:
        root: Element = fromstring(document, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise BadRequestError(
            "--response: this is not an XML document; copy the whole body of OSS's answer."
        ) from error
    if root.tag != "Error" or not root.findtext("Code"):
        raise BadRequestError("--response: this is not an error of OSS, which begins with <Error>.")
    return OssAnswer(
        code=root.findtext("Code", "").strip(),
        message=root.findtext("Message", "").strip(),
        request_id=root.findtext("RequestId", "").strip(),
        canonical_request=root.findtext("CanonicalRequest", "").strip("\n"),
        string_to_sign=root.findtext("StringToSign", "").strip("\n"),
        request_time=_moment(root.findtext("RequestTime", "")),
        server_time=_moment(root.findtext("ServerTime", "")),
    )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
