"""The initial accounts, roles, buckets and objects of a mock."""
