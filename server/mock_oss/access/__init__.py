"""Access control: who sends a request, and whether the request is allowed."""
