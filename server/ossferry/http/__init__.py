"""HTTP itself: the connection, middleware, request checks, error answers, and outgoing requests."""
