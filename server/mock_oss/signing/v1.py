"""V1 (HMAC-SHA1) signatures in the Authorization header and in presigned URLs.

In the string to sign, the resource and the sub-resources are not percent-encoded. Source: OSS API
reference, "Include a V1 signature in the Authorization header" and "Add signatures to URLs".
"""

from mock_oss.signing.encoding import hmac_sha1_base64

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


def signature(secret: str, text: str) -> str:
    """Return the base64-encoded HMAC-SHA1 of `text`, the string to sign.

    The HMAC key is `secret`, the access key secret.
    """
    return hmac_sha1_base64(secret, text)
