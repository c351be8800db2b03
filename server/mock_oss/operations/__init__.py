"""The operations of OSS, one module per group of operations.

``routes`` maps a request to its operation. To add an operation, write ``async def name(call: Call)
-> Response`` in the module of its group: read the request from ``call``, use ``call.store``, return
a ``Response``, and raise ``RefusedError`` with a code from ``mock_oss.errors.ERRORS``. Then add a
row with its name, RAM action and handler to the table of its level (service, bucket or object) in
``routes``, and remove its sub-resource from ``NOT_IMPLEMENTED``.

The signature, and the permission for the addressed resource, are checked before the handler runs.
For other resources (copy sources, batch deletes, tagging headers), the handler calls the functions
of ``mock_oss.access.authorization`` itself.
"""
