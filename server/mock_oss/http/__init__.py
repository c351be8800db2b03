"""HTTP as OSS speaks it: requests, responses, bodies, forms, CORS and XML."""
