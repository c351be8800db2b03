"""HTTP as OSS speaks it: requests, bodies, forms, responses, CORS and XML documents."""
