"""Alibaba Cloud OSS, STS and RAM: clients and policies.

The vendor's package for credentials reads its environment variables when it is imported. This
package sets one of them before that: then the ECS metadata service is used only in its hardened
mode. The normal mode needs no token. An attacker who makes the server fetch a URL could then read
the server's credentials. The operator can allow the normal mode with the value `false`.
"""

import os
import sys

IMDS_V1_DISABLED = "ALIBABA_CLOUD_IMDSV1_DISABLED"

IS_TOO_LATE = (
    IMDS_V1_DISABLED not in os.environ and "alibabacloud_credentials.utils.auth_util" in sys.modules
)
"""Whether the vendor's package has already read its variables, without this one."""

os.environ.setdefault(IMDS_V1_DISABLED, "true")
