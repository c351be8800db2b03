"""The operations of OSS, one module per group of operations.

The module `routes` maps a request to an operation. To add an operation:

1. Write the handler `async def name(call: Call) -> Response` in a module of this package. The
   handler reads the request from `call` and uses `call.store`. For an error, the handler raises
   `RefusedError` with a code from `mock_oss.errors.ERRORS`.
2. In `routes`, add a row to the table for the service, for buckets or for objects. Remove the
   sub-resource from `NOT_IMPLEMENTED`.

Before the handler runs, the mock checks the signature. If the row has an action, the mock also
checks the permission for this action on the addressed bucket or object. The handler must check all
other permissions with `mock_oss.access.authorization`: for copy sources, for batch deletes, and for
tagging headers.
"""
