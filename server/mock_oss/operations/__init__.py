"""The operations of OSS, one module per family.

``routes`` maps a request to its operation. To add an operation, write ``async def name(call: Call)
-> Response`` in the module of its family: read the request from ``call``, use ``call.store``,
return a ``Response``, and raise ``RefusedError`` with a code from ``mock_oss.errors.ERRORS``. Then
add a row with its name, RAM action and handler to the table of its level in ``routes``, and remove
its sub-resource from ``NOT_IMPLEMENTED``.

Signature and permission for the addressed resource are checked before the handler runs. A handler
calls ``authorization`` itself for other resources: copy sources, batch deletes, tagging headers.
"""
