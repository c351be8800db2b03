"""Access control: signatures, access keys, RAM policies and form policies."""
