"""Requests from the page to the ossferry server, which gives credentials for OSS."""
