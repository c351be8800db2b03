"""Probes and findings about a server's set-up, for `/readyz` and `ossferry doctor`."""
