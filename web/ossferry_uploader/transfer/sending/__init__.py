"""Send one file: preparation, requests to OSS, parts, checksums and encryption."""
