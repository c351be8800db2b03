"""The world: the accounts, roles and buckets a mock starts with, and the rules of those buckets."""
