"""Set-up of a cloud account: the bucket, the RAM roles and the server's identity.

`wanted` describes the wanted state of the account, and `documents` builds the policies and the
bucket's settings from it. `making` and `removing` compare the wanted state with the account, and
list the API calls that are missing. `account` sends these calls.
"""

import ossferry.oss  # noqa: F401 - sets the vendor's variable before the vendor's package is loaded
