"""Shared test support: fakes of our ports, test vectors, browsers and page objects."""
