"""The world: accounts, roles and buckets at the start of a mock. Also the bucket lifecycle."""
