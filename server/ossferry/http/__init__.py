"""The HTTP layer: connections, middleware, request checks, error responses, outgoing requests."""
