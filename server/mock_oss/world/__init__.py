"""The world: accounts, roles and buckets that exist at the start, and bucket lifecycle rules."""
