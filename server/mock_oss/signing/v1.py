"""V1 (HMAC-SHA1) signatures in the Authorization header and in presigned URLs.

In the string to sign, the resource and the sub-resources are not percent-encoded. Source: OSS API
reference, "Include a V1 signature in the Authorization header" and "Add signatures to URLs".
"""

from collections.abc import Iterable, Mapping

from mock_oss.http.request import signed_text
from mock_oss.signing.encoding import canonical_headers, hmac_sha1_base64, joined_query

SUB_RESOURCES = frozenset(
    """accessmonitor accessPoint accessPointPolicy acl append asyncFetch bucketArchiveDirectRead
    bucketInfo callback callback-var cleanRestoredObject cloudboxes cname comp continuation-token
    cors dataPipeline delete encryption endTime group httpsConfig img inventory inventoryId
    legalHold lifecycle link live location logging metadataConfiguration metadataInventoryTable
    metadataJournalTable metaQuery MetaQuery objectInfo objectMeta objectWorm overwriteConfig
    partNumber policy policyStatus position publicAccessBlock qos qosInfo qosRequester quota
    redundancyTransition referer regionList replication replicationLocation replicationProgress
    requesterQosInfo requestPayment resourceGroup resourcePool resourcePoolBuckets resourcePoolInfo
    response-cache-control response-content-disposition response-content-encoding
    response-content-language response-content-type response-expires restore retention rtc seal
    security-token sequential startTime stat status style styleName symlink tagging
    transferAcceleration udf udfApplication udfApplicationLog udfImage udfImageDesc udfName uploadId
    uploads userDefinedLogFieldsConfig versionId versioning versions vod website worm wormExtend
    wormId x-oss-ac-forward-allow x-oss-ac-source-ip x-oss-ac-subnet-mask x-oss-ac-vpc-id
    x-oss-access-point-name x-oss-async-process x-oss-process x-oss-redundancy-transition-taskid
    x-oss-request-payer x-oss-target-redundancy-type x-oss-traffic-limit
    x-oss-write-get-object-response""".split()  # noqa: SIM905 - easier to read as a table
)


def parse_authorization(value: str) -> dict[str, str]:
    """Parse an Authorization header with a V1 signature: `OSS AccessKeyId:Signature`.

    Returns:
        A dict with the keys `AccessKeyId` and `Signature`.

    Raises:
        ValueError: the header has another format.
    """
    access_key_id, colon, signed = value[4:].strip().partition(":")
    if not (colon and access_key_id and signed):
        raise ValueError("the Authorization header is not 'OSS AccessKeyId:Signature'")
    return {"AccessKeyId": access_key_id, "Signature": signed}


def _canonical_resource(bucket: str, key: str, query: Iterable[tuple[str, str]]) -> str:
    """Return `/bucket/key` unencoded, followed by the signed sub-resources sorted by name."""
    signed = sorted({name: value for name, value in query if name in SUB_RESOURCES}.items())
    resource = f"/{bucket}/{key}" if bucket else "/"
    return f"{resource}?{joined_query(signed)}" if signed else resource


def string_to_sign(
    method: str,
    bucket: str,
    key: str,
    *,
    query: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    date_line: str,
) -> str:
    """Return the string to sign of a request with a V1 signature.

    The string consists of the method, Content-MD5, Content-Type, date line, `x-oss-*` headers and
    resource, separated by newlines. The resource is the path with the signed query parameters.

    Args:
        method: the HTTP method in upper case.
        bucket: the bucket's name, empty for a request to the service.
        key: the decoded object key, empty for a request to a bucket.
        query: the decoded (name, value) pairs of the query.
        headers: a mapping from lower-case name to value.
        date_line: the value of `x-oss-date` or `Date`; in a presigned URL, the value of `Expires`.
    """
    md5, kind = headers.get("content-md5", ""), signed_text(headers.get("content-type", ""))
    head = f"{method}\n{md5}\n{kind}\n{date_line}\n"
    return f"{head}{canonical_headers(headers)}{_canonical_resource(bucket, key, query)}"


def signature(secret: str, text: str) -> str:
    """Return the base64-encoded HMAC-SHA1 of `text`, the string to sign.

    The HMAC key is `secret`, the access key secret.
    """
    return hmac_sha1_base64(secret, text)
