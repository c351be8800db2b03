"""STS and RAM: issues temporary credentials, and manages users, roles and policies."""
