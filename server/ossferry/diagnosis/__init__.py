"""Findings about a server's set-up, for `/readyz` and `ossferry doctor`."""
