"""HTTP with the behaviour of OSS: requests, bodies, forms, responses, CORS and XML documents."""
