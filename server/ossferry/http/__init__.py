"""The HTTP layer: connections, middleware, request parsing, error responses, outgoing requests."""
