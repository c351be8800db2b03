"""Set-up of a cloud account: the bucket, the RAM roles and the server's identity.

`wanted` describes the result, `documents` builds the policies and the bucket's settings from it,
`making` and `removing` compare the result with the account and list the calls that are missing, and
`account` sends them.
"""

import ossferry.oss  # noqa: F401 - sets the vendor's variable before the vendor's package is loaded
