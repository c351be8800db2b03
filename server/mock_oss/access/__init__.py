"""Access control: authentication of requests, and authorization of operations."""
