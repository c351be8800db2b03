"""Who a request belongs to: the principal, and the key prefix that the principal owns."""
