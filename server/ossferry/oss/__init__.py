"""Alibaba Cloud OSS, STS and RAM: clients and policies.

The vendor's package `alibabacloud_credentials` reads environment variables when it is imported.
Before that, this package sets the default `ALIBABA_CLOUD_IMDSV1_DISABLED=true`. Credentials are
then read from the ECS metadata service only in its hardened mode, which needs a token. Without a
token, an attacker who makes the server fetch a URL could read the server's credentials. An operator
can set the variable to `false` to allow both modes.
"""

import os
import sys

IMDS_V1_DISABLED = "ALIBABA_CLOUD_IMDSV1_DISABLED"

IS_TOO_LATE = (
    IMDS_V1_DISABLED not in os.environ and "alibabacloud_credentials.utils.auth_util" in sys.modules
)
"""Whether the vendor's package has already read its variables, without this one."""

os.environ.setdefault(IMDS_V1_DISABLED, "true")
