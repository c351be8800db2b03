"""Ask `/healthz` of the server in this container; the exit code is 0 if it answers with 200.

The image has no curl. The standard library is enough, and starts faster than the server's packages.
"""

import http.client
import os
import sys

TIMEOUT_S = 3


def main() -> str | None:
    """Return None if the server answers with status 200; otherwise a sentence with the reason."""
    port = int(os.environ.get("OSSFERRY_PORT", "8000"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"Nothing answers on port {port}: {error}."
    finally:
        connection.close()
    return None if status == 200 else f"The server answers with status {status}."


if __name__ == "__main__":
    sys.exit(main())
