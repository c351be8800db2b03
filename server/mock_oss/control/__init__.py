"""The control plane below `/_mock/` (web page and JSON API), and views of the store for tests."""
