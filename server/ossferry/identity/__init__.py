"""The identity of a sender: the principal, and the key prefix that belongs to the principal."""
